#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <localis/core/operation.hpp>
#include <localis/model/arena_planner.hpp>

namespace localis {

/// The sizes, in bytes, that the planner needs for one operation in addition to its description.
struct operation_bytes {
  static constexpr std::size_t unfused = static_cast<std::size_t>(-1);

  std::size_t fused_by = unfused;  ///< the trainable operation whose forward pass performs this one
  std::size_t input = 0;           ///< the input of a batch
  std::size_t output = 0;
  bool holds_batch = false;   ///< whether its output is written piece by piece and stays until the suffix has read all
  std::size_t saved = 0;      ///< values that forward leaves for backward
  std::size_t gradients = 0;  ///< the gradients of its parameters
  std::size_t forward_scratch = 0;
  std::size_t backward_scratch = 0;
  std::size_t local_loss_scratch = 0;  ///< scratch of the local loss at the end of the stage
  std::size_t learn_scratch = 0;       ///< scratch of the step of a supervised rule
  // Of a rule that learns in the forward pass, on several ranks: what its step needs behind the backward pass, and the
  // first bytes of that, which ranks add up.
  std::size_t kept = 0;
  std::size_t kept_sums = 0;
};

/// The places of the arrays of one operation in the arena, as offsets in bytes; `none` for an array that it does not
/// have.
struct operation_slots {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t fused_by = operation_bytes::unfused;  ///< the operation whose forward pass performs this one
  std::size_t output = none;                        ///< its output value; none if this is the network's input
  bool holds_batch = false;                         ///< whether that has all samples where the prefix runs by pieces
  std::size_t output_gradient = none;               ///< none if nothing reads it
  std::size_t input_gradient = none;                ///< none if it is not computed
  bool adds_input_gradient = false;                 ///< whether that place holds a gradient that it is added to
  std::size_t saved = none;                         ///< values that forward leaves for backward
  std::size_t parameter_gradients = none;           ///< the arrays lie one after the other
  std::size_t forward_scratch = none;
  std::size_t backward_scratch = none;
  std::size_t local_loss_scratch = none;  ///< scratch of the local loss before the boundary
  std::size_t observe_scratch = none;     ///< scratch of the local loss from the boundary on, given the true gradient
  std::size_t learn_scratch = none;       ///< scratch of the step of a supervised rule
  std::size_t kept = none;                ///< what the step of a rule needs behind the backward pass
  std::size_t summed = none;              ///< what ranks add up from the end of this operation on, to the step
  std::size_t summed_bytes = 0;
};

/// The places of all arrays of one training step in the arena, for one boundary.
struct plan {
  static constexpr std::size_t none = operation_slots::none;

  std::vector<operation_slots> operations;
  std::size_t loss = none;  ///< scratch of the loss
  std::size_t bytes = 0;    ///< size of the arena

  // The largest sum of each kind over all moments; these need not add up to `bytes`.
  std::size_t activation_bytes = 0;
  std::size_t gradient_bytes = 0;  ///< gradients of values and of parameters
  std::size_t scratch_bytes = 0;

  /// The offset of a value by its number: value v is the output of operation v - 1, and value 0 is the network's input.
  [[nodiscard]] std::size_t value(std::size_t number) const {
    return number == 0 ? none : operations[number - 1].output;
  }
  /// The offset of the gradient with respect to a value.
  [[nodiscard]] std::size_t gradient(std::size_t number) const {
    return number == 0 ? none : operations[number - 1].output_gradient;
  }
};

namespace detail {

/// The moments of one training step, in order: the forward passes of the operations, in which each stage that learns by
/// a supervised rule is followed by its local loss, its own backward pass and its step; the loss; the backward passes;
/// the step of the optimizer.
struct timetable {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::vector<std::size_t> forward;     ///< by operation
  std::vector<std::size_t> local_loss;  ///< by operation; none if it has no local loss
  std::vector<std::size_t> backward;    ///< by operation; none if it has no backward pass
  std::vector<std::size_t> step;        ///< by operation: when its gradients have been used
  std::vector<std::size_t> region;      ///< by operation: gradients pass from operation to operation within a region
  std::size_t loss = none;              ///< none in a pass without a loss
  std::size_t end = 0;                  ///< the last moment: the step of the optimizer, if there is one

  timetable(std::span<const operation> program, std::span<const operation_bytes> bytes, std::size_t stages,
            std::size_t boundary)
      : forward(program.size(), none),
        local_loss(program.size(), none),
        backward(program.size(), none),
        step(program.size(), none),
        region(program.size(), none) {
    const std::size_t n = program.size();
    std::size_t moment = 0;
    for (std::size_t i = 0; i < n; ++i) {
      forward[i] = moment++;
      if (i + 1 < n && program[i + 1].stage == program[i].stage) continue;
      std::size_t first = i;
      while (first > 0 && program[first - 1].stage == program[i].stage) --first;
      for (std::size_t j = first; j <= i; ++j) {
        if (bytes[j].local_loss_scratch > 0) local_loss[j] = moment++;
      }
      if (program[i].stage >= boundary || !std::any_of(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                                                       bytes.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                       [](const operation_bytes& b) { return b.learn_scratch > 0; })) {
        continue;
      }
      run_back(first, i, moment, program[i].stage);
    }
    if (boundary < stages) {
      loss = moment++;
      std::size_t first = n;
      while (first > 0 && program[first - 1].stage >= boundary) --first;
      run_back(first, n - 1, moment, stages);
    }
    end = moment - 1;
  }

 private:
  /// Adds the backward passes of operations `first` to `last`, which become region `number`, and the step after them.
  [[gnu::cold]] void run_back(std::size_t first, std::size_t last, std::size_t& moment, std::size_t number) {
    for (std::size_t i = last + 1; i-- > first;) {
      backward[i] = moment++;
      region[i] = number;
    }
    for (std::size_t i = first; i <= last; ++i) step[i] = moment;
    ++moment;
  }
};

/// Builds the plan of one pass from the moments at which operations read their arrays.
class plan_builder {
 public:
  plan_builder(std::span<const operation> program, std::span<const operation_bytes> bytes, std::size_t stages,
               std::size_t boundary, std::size_t bucket_bytes)
      : program_(program),
        bytes_(bytes),
        stages_(stages),
        bucket_bytes_(bucket_bytes),
        moments_(program, bytes, stages, boundary),
        region_(program.size() + 1, none),
        wanted_(program.size() + 1, false),
        content_(program.size() + 1),
        last_read_(program.size() + 1, 0),
        place_in_bucket_(program.size(), 0),
        slots_(program.size()) {}

  [[gnu::cold]] plan build(std::size_t loss_scratch) {
    find_wanted_gradients();
    find_last_reads();
    add_values();
    for (std::size_t i = 0; i < program_.size(); ++i) add_forward_scratch(i);
    if (moments_.loss != none) loss_ = arena_.add(loss_scratch, moments_.loss, use::scratch);
    for (std::size_t i = program_.size(); i-- > 0;) {
      if (moments_.backward[i] != none && wanted_[program_[i].output]) add_backward(i);
    }
    close_bucket();
    return finish();
  }

 private:
  static constexpr std::size_t none = operation_slots::none;
  using use = arena_planner::use;

  [[nodiscard]] bool is_fused(std::size_t i) const {
    return i < program_.size() && bytes_[i].fused_by != operation_bytes::unfused;
  }
  [[nodiscard]] std::size_t forward_moment(std::size_t i) const {
    return moments_.forward[is_fused(i) ? bytes_[i].fused_by : i];
  }
  /// The first moment at which the output of operation i may be written: where values are saved for backward, a pooling
  /// may run in the pass of the normalization before it.
  [[nodiscard]] std::size_t first_write(std::size_t i) const {
    const bool is_pooled = program_[i].kind == operation_kind::pooling && program_[i].is_epilogue;
    if (!is_pooled || moments_.backward[i] == none) return forward_moment(i);
    return moments_.forward[program_[i - 1].fused_into_previous ? i - 2 : i - 1];
  }
  [[nodiscard]] std::size_t last_of_stage(std::size_t i) const {
    while (i + 1 < program_.size() && program_[i + 1].stage == program_[i].stage) ++i;
    return i;
  }
  /// Whether operation i must compute the gradient of a value.
  [[nodiscard]] bool wants(std::size_t value, std::size_t i) const {
    return wanted_[value] && region_[value] == moments_.region[i];
  }
  /// The allocation of a value, or of its gradient; the network's input has none.
  [[nodiscard]] std::size_t value_slot(std::size_t value) const { return value == 0 ? none : slots_[value - 1].output; }
  [[nodiscard]] std::size_t& gradient_slot(std::size_t value) { return slots_[value - 1].output_gradient; }

  /// Finds the values that need a gradient: those that depend on a parameter of the same region.
  [[gnu::cold]] void find_wanted_gradients() {
    for (std::size_t i = 0; i < program_.size(); ++i) {
      const operation& op = program_[i];
      if (moments_.backward[i] == none) continue;
      region_[op.output] = moments_.region[i];
      wanted_[op.output] = op.parameters > 0 || wants(op.input, i) || (op.joins() && wants(op.skip, i));
    }
  }

  /// Finds the last moment at which each content is read. Several values share one content if they are the same array
  /// of numbers, because a junction passes its input on or completes it.
  [[gnu::cold]] void find_last_reads() {
    for (std::size_t v = 0; v < content_.size(); ++v) content_[v] = v;
    for (const operation& op : program_) {
      if (op.passes_on()) content_[op.output] = content_[op.input];
      if (op.kind == operation_kind::concatenate && op.skip != 0) content_[op.output] = content_[op.skip];
    }
    const auto read = [&](std::size_t value, std::size_t moment) {
      std::size_t& last = last_read_[content_[value]];
      last = (std::max)(last, moment);
    };
    for (std::size_t i = 0; i < program_.size(); ++i) {
      const operation& op = program_[i];
      if (!is_fused(i)) read(op.input, moments_.forward[i]);
      if (op.joins()) read(op.skip, moments_.forward[i]);
      if (moments_.backward[i] != none) {
        if (op.saves_input()) read(op.input, moments_.backward[i]);
        if (op.kind == operation_kind::multiply) read(op.skip, moments_.backward[i]);
        if (op.saves_output()) read(op.output, moments_.backward[op.fused_into_previous ? i - 1 : i]);
      }
      if (moments_.local_loss[i] != none) read(program_[last_of_stage(i)].output, moments_.local_loss[i]);
    }
    const std::size_t end = moments_.loss == none ? moments_.forward.back() + 1 : moments_.loss;
    read(program_.back().output, end);
  }

  /// Allocates the values. An elementwise operation overwrites its input if nothing reads the input later.
  [[gnu::cold]] void add_values() {
    for (std::size_t i = 0; i < program_.size(); ++i) {
      const operation& op = program_[i];
      if (is_fused(i + 1)) continue;  // only the result of the next operation is stored
      std::size_t& slot = slots_[i].output;
      if (content_[op.output] != op.output) {
        slot = value_slot(content_[op.output]);
      } else if (op.elementwise && value_slot(op.input) != none &&
                 bytes_[i].holds_batch == bytes_[op.input - 1].holds_batch &&
                 last_read_[content_[op.input]] <= moments_.forward[i]) {
        slot = value_slot(op.input);
      } else {
        slot = arena_.add(bytes_[i].output, bytes_[i].holds_batch ? 0 : first_write(i), use::activation);
      }
      if (slot != none) arena_.extend(slot, moments_.forward[i]);
    }
    for (const operation& op : program_) {
      const std::size_t slot = value_slot(op.output);
      if (slot != none) arena_.extend(slot, last_read_[content_[op.output]]);
    }
  }

  [[nodiscard]] std::size_t add_scratch(std::size_t size, std::size_t moment) {
    return size == 0 || moment == none ? none : arena_.add(size, moment, use::scratch);
  }
  [[gnu::cold]] void add_forward_scratch(std::size_t i) {
    const operation_bytes& b = bytes_[i];
    operation_slots& s = slots_[i];
    s.forward_scratch = add_scratch(b.forward_scratch, forward_moment(i));
    s.local_loss_scratch = add_scratch(b.local_loss_scratch, moments_.local_loss[i]);
    if (b.kept > 0) {
      s.kept = add_scratch(b.kept, forward_moment(i));
      arena_.extend(s.kept, moments_.end);
      s.summed = s.kept;
      s.summed_bytes = b.kept_sums;
    }
    if (moments_.region[i] == stages_) {
      s.observe_scratch = add_scratch(b.local_loss_scratch, moments_.backward[last_of_stage(i)]);
    }
  }

  /// Allocates the gradients, and the other arrays that the backward pass of operation i needs. The operations after it
  /// have been added before.
  [[gnu::cold]] void add_backward(std::size_t i) {
    const operation& op = program_[i];
    const operation_bytes& b = bytes_[i];
    operation_slots& s = slots_[i];
    const std::size_t moment = moments_.backward[i];
    if (s.output_gradient == none) {
      // For the last operation of its region, the gradient comes from the loss or from the local loss of the stage.
      const std::size_t first = moments_.region[i] == stages_ ? moments_.loss : moment - 1;
      s.output_gradient = add_gradient(b.output, first);
      hold(op.output, s.output_gradient, moment);
    }
    arena_.extend(s.output_gradient, moment);
    s.backward_scratch = add_scratch(b.backward_scratch, moment);
    if (b.saved > 0) {
      const bool has_moments = op.kind == operation_kind::normalization && op.is_epilogue;  // of the operation before
      s.saved = arena_.add(b.saved, moments_.forward[has_moments ? i - 1 : i], use::activation);
      arena_.extend(s.saved, moment);
    }
    if (b.gradients > 0) add_parameter_gradients(i);
    if (moments_.region[i] != stages_) s.learn_scratch = add_scratch(b.learn_scratch, step_moment(i));
    --waiting_[s.output_gradient];
    if (op.joins() && wants(op.skip, i)) {
      const bool multiplies = op.kind == operation_kind::multiply;
      hold(op.skip, multiplies ? add_gradient(bytes_[op.skip - 1].output, moment) : s.output_gradient, moment);
    }
    if (!wants(op.input, i)) return;
    s.input_gradient = op.starts_branch() ? branch_slot(i) : input_slot(i);
    if (op.kind == operation_kind::shortcut) {  // the branch before it adds this gradient to its own
      arena_.extend(s.input_gradient, moment);
      ++waiting_[s.input_gradient];
    } else {
      hold(op.input, s.input_gradient, moment);
    }
  }
  /// When the gradients of operation i have been used. On several ranks the step of a supervised rule comes behind the
  /// backward pass of the network.
  [[nodiscard]] std::size_t step_moment(std::size_t i) const {
    return bucket_bytes_ > 0 && bytes_[i].learn_scratch > 0 ? moments_.end : moments_.step[i];
  }
  [[gnu::cold]] void add_parameter_gradients(std::size_t i) {
    operation_slots& s = slots_[i];
    const std::size_t bytes = bytes_[i].gradients;
    const bool is_of_network = moments_.region[i] == stages_;
    if (bucket_bytes_ > 0 && is_of_network && bucket_ != none) {  // one more operation in the bucket
      s.parameter_gradients = slots_[bucket_].parameter_gradients;
      place_in_bucket_[i] = arena_[s.parameter_gradients].bytes;
      arena_[s.parameter_gradients].bytes += workspace::round_up(bytes);
    } else {
      s.parameter_gradients = arena_.add(bytes, moments_.backward[i], use::gradient);
      arena_.extend(s.parameter_gradients, step_moment(i));
    }
    if (bucket_bytes_ == 0) return;
    if (is_of_network) {
      bucket_ = i;
      if (arena_[s.parameter_gradients].bytes >= bucket_bytes_) close_bucket();
    } else if (bytes_[i].learn_scratch > 0) {
      s.summed = s.parameter_gradients;
      s.summed_bytes = bytes;
    }
  }
  /// Ends the block of neighbouring gradients that ranks add up at once.
  void close_bucket() {
    if (bucket_ == none) return;
    slots_[bucket_].summed = slots_[bucket_].parameter_gradients;
    slots_[bucket_].summed_bytes = arena_[slots_[bucket_].summed].bytes;
    bucket_ = none;
  }
  [[nodiscard]] std::size_t add_gradient(std::size_t size, std::size_t moment) {
    const std::size_t slot = arena_.add(size, moment, use::gradient);
    waiting_.resize(slot + 1, 0);
    return slot;
  }
  /// Notes that the gradient of a value lies in an allocation.
  void hold(std::size_t value, std::size_t slot, std::size_t moment) {
    gradient_slot(value) = slot;
    arena_.extend(slot, moment);
    ++waiting_[slot];
  }
  /// Where operation i writes its input gradient, unless it begins a branch.
  [[nodiscard]] std::size_t input_slot(std::size_t i) {
    const operation& op = program_[i];
    operation_slots& s = slots_[i];
    if (op.kind == operation_kind::add || op.passes_on()) return s.output_gradient;
    const std::size_t sum = sum_slot(i);
    s.adds_input_gradient = sum != none;
    if (sum != none) return sum;
    if (op.elementwise && waiting_[s.output_gradient] == 0) return s.output_gradient;
    return add_gradient(bytes_[i].input, moments_.backward[i]);
  }
  /// Where operation i can add its input gradient to that of the branches after its own, with which it is added in any
  /// case: none unless it is the first of its branch.
  [[nodiscard]] std::size_t sum_slot(std::size_t i) const {
    if (i == 0 || !program_[i - 1].starts_branch() || program_[i - 1].skip == 0 || !program_[i].accumulates) {
      return none;
    }
    const std::size_t slot = slots_[program_[i - 1].skip - 1].input_gradient;
    return slot != slots_[i].output_gradient && waiting_[slot] == 1 ? slot : none;
  }
  /// Where the gradient of a branch that operation i begins is added to that of the branches after it.
  [[nodiscard]] std::size_t branch_slot(std::size_t i) {
    const std::size_t own = slots_[i].output_gradient;
    if (program_[i].skip == 0) return own;
    const std::size_t others = slots_[program_[i].skip - 1].input_gradient;
    const std::size_t moment = moments_.backward[i];
    arena_.extend(others, moment);
    --waiting_[others];
    const bool is_added = slots_[i + 1].adds_input_gradient;
    return is_added || waiting_[own] == 0 ? own : add_gradient(bytes_[i].input, moment);
  }

  /// Replaces allocations by offsets.
  [[gnu::cold]] plan finish() {
    plan result;
    result.bytes = arena_.place();
    result.activation_bytes = arena_.peak(use::activation);
    result.gradient_bytes = arena_.peak(use::gradient);
    result.scratch_bytes = arena_.peak(use::scratch);
    const auto place = [this](std::size_t& slot) {
      if (slot != none) slot = arena_[slot].offset;
    };
    place(loss_);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      operation_slots& s = slots_[i];
      s.fused_by = bytes_[i].fused_by;
      s.holds_batch = bytes_[i].holds_batch;
      for (std::size_t* slot :
           {&s.output, &s.output_gradient, &s.input_gradient, &s.saved, &s.parameter_gradients, &s.forward_scratch,
            &s.backward_scratch, &s.local_loss_scratch, &s.observe_scratch, &s.learn_scratch, &s.kept, &s.summed}) {
        place(*slot);
      }
      if (s.parameter_gradients != none) s.parameter_gradients += place_in_bucket_[i];
    }
    result.loss = loss_;
    result.operations = std::move(slots_);
    return result;
  }

  std::span<const operation> program_;
  std::span<const operation_bytes> bytes_;
  std::size_t stages_;
  std::size_t bucket_bytes_;
  std::size_t bucket_ = none;  ///< the latest operation of the bucket that is open
  timetable moments_;
  arena_planner arena_;
  std::vector<std::size_t> region_;           ///< by value: the region of the operation that computes it
  std::vector<bool> wanted_;                  ///< by value: whether its gradient is needed
  std::vector<std::size_t> content_;          ///< by value: the first value with the same numbers
  std::vector<std::size_t> last_read_;        ///< by content
  std::vector<std::size_t> waiting_;          ///< by allocation: gradients in it that have not been read yet
  std::vector<std::size_t> place_in_bucket_;  ///< by operation: bytes of gradients before its own
  std::vector<operation_slots> slots_;        ///< allocations, until finish() makes offsets of them
  std::size_t loss_ = none;
};

}  // namespace detail

/// Plans the memory of one pass. The result depends only on the arguments.
///
/// @param program   the network's operations; the output of operation i is value i + 1
/// @param bytes     the sizes that each operation needs
/// @param boundary  first stage that learns by gradient; `stages` for a pass without a backward half
/// @param loss_scratch  bytes that the loss needs
/// @param bucket_bytes  on several ranks, the gradients of neighbouring operations form blocks of at least so many
///                      bytes, which ranks add up at once; 0 if there is one rank
inline plan make_plan(std::span<const operation> program, std::span<const operation_bytes> bytes, std::size_t stages,
                      std::size_t boundary, std::size_t loss_scratch, std::size_t bucket_bytes = 0) {
  return detail::plan_builder(program, bytes, stages, boundary, bucket_bytes).build(loss_scratch);
}

}  // namespace localis
