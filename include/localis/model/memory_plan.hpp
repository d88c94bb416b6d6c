#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <localis/core/operation.hpp>
#include <localis/core/workspace.hpp>

namespace localis {

/// What the planner must know of one operation besides its description, in bytes.
struct operation_bytes {
  static constexpr std::size_t itself = static_cast<std::size_t>(-1);

  std::size_t fused_by = itself;  ///< the trainable operation whose forward pass does this one
  std::size_t input = 0;          ///< of a batch
  std::size_t output = 0;
  std::size_t saved = 0;      ///< small values between forward and backward
  std::size_t gradients = 0;  ///< of its parameters
  std::size_t forward_scratch = 0;
  std::size_t backward_scratch = 0;
  std::size_t local_loss_scratch = 0;  ///< of a supervised rule, behind its stage
  std::size_t learn_scratch = 0;       ///< of its step
};

/// Where everything of one training step lies in the arena, for one boundary.
struct plan {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::vector<std::size_t> value;               ///< offset by value number; none for the network's input
  std::vector<std::size_t> gradient;            ///< offset by value number; none where no one wants it
  std::vector<std::size_t> input_gradient;      ///< offset by operation; none where it is not to be computed
  std::vector<std::size_t> fused_by;            ///< by operation, of the forward pass; none: itself
  std::vector<std::size_t> saved;               ///< offset by operation
  std::vector<std::size_t> parameter_gradient;  ///< offset by operation
  std::vector<std::size_t> scratch;             ///< offset by operation, forward
  std::vector<std::size_t> backward_scratch;
  std::vector<std::size_t> local_loss_scratch;
  std::vector<std::size_t> observe_scratch;  ///< of a local loss, behind the boundary: when the true gradient is there
  std::vector<std::size_t> learn_scratch;
  std::size_t loss = none;  ///< scratch of the loss
  std::size_t bytes = 0;    ///< of the arena

  // Largest sums over time, each by itself: they need not add up to `bytes`.
  std::size_t activation_bytes = 0;
  std::size_t gradient_bytes = 0;  ///< of values and of parameters
  std::size_t scratch_bytes = 0;
};

namespace detail {

/// Reserves stretches of the arena over stretches of time.
class arena_planner {
 public:
  enum class use { activation, gradient, scratch };

  struct allocation {
    std::size_t bytes = 0;
    std::size_t from = 0;
    std::size_t to = 0;
    use kind = use::activation;
    std::size_t offset = 0;
  };

  std::size_t add(std::size_t bytes, std::size_t from, use kind) {
    allocations_.push_back({workspace::round_up(bytes), from, from, kind, 0});
    return allocations_.size() - 1;
  }
  allocation& operator[](std::size_t index) { return allocations_[index]; }
  void extend(std::size_t index, std::size_t to) { allocations_[index].to = (std::max)(allocations_[index].to, to); }

  /// Largest blocks first, each at the lowest offset that is free for its whole life. Returns the arena's bytes.
  std::size_t place() {
    std::vector<std::size_t> order(allocations_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    // Not std::stable_sort: in libstdc++ 12 it warns under clang from 16 on.
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return allocations_[a].bytes != allocations_[b].bytes ? allocations_[a].bytes > allocations_[b].bytes : a < b;
    });
    std::vector<std::size_t> placed;  // by offset
    std::size_t end = 0;
    for (const std::size_t index : order) {
      allocation& mine = allocations_[index];
      std::size_t offset = 0;
      for (const std::size_t other_index : placed) {
        const allocation& other = allocations_[other_index];
        if (other.from > mine.to || other.to < mine.from) continue;
        if (other.offset >= offset + mine.bytes) break;
        offset = (std::max)(offset, other.offset + other.bytes);
      }
      mine.offset = offset;
      end = (std::max)(end, offset + mine.bytes);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                     [this](std::size_t a, std::size_t b) {
                                       return allocations_[a].offset < allocations_[b].offset;
                                     }),
                    index);
    }
    return end;
  }

  [[nodiscard]] std::size_t peak(use kind) const {
    std::size_t largest = 0;
    for (const allocation& at : allocations_) {
      std::size_t sum = 0;
      for (const allocation& other : allocations_) {
        if (other.kind == kind && other.from <= at.from && at.from <= other.to) sum += other.bytes;
      }
      largest = (std::max)(largest, sum);
    }
    return largest;
  }

 private:
  std::vector<allocation> allocations_{};
};

/// The moments of one training step, in order: forward of the operations, where behind each stage that learns by a
/// supervised rule come its local loss, its own backward pass and its step; the loss; backward; the optimizer's step.
struct timetable {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::vector<std::size_t> forward;     ///< by operation
  std::vector<std::size_t> local_loss;  ///< by operation, of those that have one; none without
  std::vector<std::size_t> backward;    ///< by operation; none where it has no backward pass
  std::vector<std::size_t> step;        ///< by operation: when its gradients have been used
  std::vector<std::size_t> region;      ///< by operation: gradients pass from operation to operation within a region
  std::size_t loss = none;              ///< none in a pass without one

  timetable(std::span<const operation> program, std::span<const operation_bytes> bytes, std::size_t stages,
            std::size_t boundary)
      : forward(program.size(), none),
        local_loss(program.size(), none),
        backward(program.size(), none),
        step(program.size(), none),
        region(program.size(), none) {
    const std::size_t n = program.size();
    std::size_t now = 0;
    for (std::size_t i = 0; i < n; ++i) {
      forward[i] = now++;
      if (i + 1 < n && program[i + 1].stage == program[i].stage) continue;
      std::size_t first = i;
      while (first > 0 && program[first - 1].stage == program[i].stage) --first;
      for (std::size_t j = first; j <= i; ++j) {
        if (bytes[j].local_loss_scratch > 0) local_loss[j] = now++;
      }
      if (program[i].stage >= boundary || !std::any_of(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                                                       bytes.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                                       [](const operation_bytes& b) { return b.learn_scratch > 0; })) {
        continue;
      }
      run_back(first, i, now, program[i].stage);
    }
    if (boundary >= stages) return;
    loss = now++;
    std::size_t first = n;
    while (first > 0 && program[first - 1].stage >= boundary) --first;
    run_back(first, n - 1, now, stages);
  }

 private:
  void run_back(std::size_t first, std::size_t last, std::size_t& now, std::size_t name) {
    for (std::size_t i = last + 1; i-- > first;) {
      backward[i] = now++;
      region[i] = name;
    }
    for (std::size_t i = first; i <= last; ++i) step[i] = now;
    ++now;
  }
};

}  // namespace detail

/// Plans one pass. A pure function of its arguments.
///
/// @param program   the network's operations
/// @param bytes     of each operation
/// @param boundary  first stage that learns by gradient; `stages` for a pass without a backward half
/// @param loss_scratch  bytes that the loss needs
inline plan make_plan(std::span<const operation> program, std::span<const operation_bytes> bytes, std::size_t stages,
                      std::size_t boundary, std::size_t loss_scratch) {
  using use = detail::arena_planner::use;
  const std::size_t n = program.size();
  const std::size_t values = n + 1;
  detail::arena_planner arena;
  const detail::timetable when(program, bytes, stages, boundary);

  const auto last_of_stage = [&](std::size_t i) {
    while (i + 1 < n && program[i + 1].stage == program[i].stage) ++i;
    return i;
  };
  const auto present = [&](std::size_t i) { return i < n && bytes[i].fused_by != operation_bytes::itself; };
  const auto forward_of = [&](std::size_t i) { return when.forward[present(i) ? bytes[i].fused_by : i]; };

  // Who makes each value, and whether its gradient is wanted: where it depends on a parameter of the same region.
  std::vector<std::size_t> region(values, plan::none);
  std::vector<bool> wanted(values, false);
  const auto wants = [&](std::size_t value, std::size_t i) { return wanted[value] && region[value] == when.region[i]; };
  for (std::size_t i = 0; i < n; ++i) {
    const operation& op = program[i];
    if (when.backward[i] == plan::none) continue;
    region[op.output] = when.region[i];
    wanted[op.output] =
        op.parameters > 0 || wants(op.input, i) || (op.kind == operation_kind::add && wants(op.skip, i));
  }

  // Content: values that are one and the same array of numbers (a junction passes its input on). last_read: the last
  // moment at which that content must still be there.
  std::vector<std::size_t> content(values);
  for (std::size_t v = 0; v < values; ++v) content[v] = v;
  for (const operation& op : program) {
    if (op.passes_on()) content[op.output] = content[op.input];
  }
  std::vector<std::size_t> last_read(values, 0);
  const auto read = [&](std::size_t value, std::size_t moment) {
    std::size_t& last = last_read[content[value]];
    last = (std::max)(last, moment);
  };
  for (std::size_t i = 0; i < n; ++i) {
    const operation& op = program[i];
    if (!present(i)) read(op.input, when.forward[i]);
    if (op.kind == operation_kind::add) read(op.skip, when.forward[i]);
    if (when.backward[i] != plan::none) {
      if (op.saves_input) read(op.input, when.backward[i]);
      if (op.saves_output) read(op.output, when.backward[op.fused_into_previous ? i - 1 : i]);
    }
    if (when.local_loss[i] != plan::none) {
      read(program[last_of_stage(i)].output, when.local_loss[i]);
    }
  }
  read(program[n - 1].output, when.loss == plan::none ? when.forward[n - 1] + 1 : when.loss);

  // Values to blocks. An elementwise operation writes over its input where no one reads that again.
  std::vector<std::size_t> value_block(values, plan::none);
  for (std::size_t i = 0; i < n; ++i) {
    const operation& op = program[i];
    if (present(i + 1)) continue;  // what the next makes of it is there at once
    if (content[op.output] != op.output ||
        (op.elementwise && value_block[op.input] != plan::none && last_read[content[op.input]] <= when.forward[i])) {
      value_block[op.output] = value_block[op.input];
    } else {
      value_block[op.output] = arena.add(bytes[i].output, forward_of(i), use::activation);
    }
    if (value_block[op.output] != plan::none) arena.extend(value_block[op.output], when.forward[i]);
  }
  for (std::size_t v = 1; v < values; ++v) {
    if (value_block[v] != plan::none) arena.extend(value_block[v], last_read[content[v]]);
  }

  std::vector<std::size_t> gradient_block(values, plan::none);
  std::vector<std::size_t> input_gradient_block(n, plan::none);
  std::vector<std::size_t> saved_allocation(n, plan::none);
  std::vector<std::size_t> parameter_block(n, plan::none);
  std::vector<std::size_t> scratch_block(n, plan::none);
  std::vector<std::size_t> backward_scratch_block(n, plan::none);
  std::vector<std::size_t> local_loss_allocation(n, plan::none);
  std::vector<std::size_t> observe_block(n, plan::none);
  std::vector<std::size_t> learn_block(n, plan::none);
  const auto scratch = [&](std::size_t size, std::size_t moment) {
    return size == 0 || moment == plan::none ? plan::none : arena.add(size, moment, use::scratch);
  };
  for (std::size_t i = 0; i < n; ++i) {
    scratch_block[i] = scratch(bytes[i].forward_scratch, forward_of(i));
    local_loss_allocation[i] = scratch(bytes[i].local_loss_scratch, when.local_loss[i]);
    if (when.region[i] == stages)
      observe_block[i] = scratch(bytes[i].local_loss_scratch, when.backward[last_of_stage(i)]);
  }
  std::size_t loss_block = plan::none;
  if (when.loss != plan::none) loss_block = arena.add(loss_scratch, when.loss, use::scratch);
  for (std::size_t back = 0; back < n; ++back) {
    const std::size_t i = n - 1 - back;
    const operation& op = program[i];
    const std::size_t moment = when.backward[i];
    if (moment == plan::none || !wanted[op.output]) continue;
    if (gradient_block[op.output] == plan::none) {
      // The last of its region: the gradient comes from the loss, or from the stage's local loss.
      const std::size_t from = when.region[i] == stages ? when.loss : moment - 1;
      gradient_block[op.output] = arena.add(bytes[i].output, from, use::gradient);
    }
    arena.extend(gradient_block[op.output], moment);
    backward_scratch_block[i] = scratch(bytes[i].backward_scratch, moment);
    if (bytes[i].saved > 0) {
      saved_allocation[i] = arena.add(bytes[i].saved, when.forward[i], use::activation);
      arena.extend(saved_allocation[i], moment);
    }
    if (bytes[i].gradients > 0) {
      parameter_block[i] = arena.add(bytes[i].gradients, moment, use::gradient);
      arena.extend(parameter_block[i], when.step[i]);
    }
    if (when.region[i] != stages) learn_block[i] = scratch(bytes[i].learn_scratch, when.step[i]);
    if (op.kind == operation_kind::add && wants(op.skip, i)) {
      gradient_block[op.skip] = arena.add(bytes[i].output, moment, use::gradient);
    }
    if (op.kind == operation_kind::shortcut) continue;  // its gradient waits for save_skip
    if (op.kind == operation_kind::save_skip) {
      // The shortcut's gradient is added here.
      if (gradient_block[op.skip] != plan::none) arena.extend(gradient_block[op.skip], moment);
    }
    if (!wants(op.input, i)) continue;
    gradient_block[op.input] =
        op.elementwise ? gradient_block[op.output] : arena.add(bytes[i].input, moment, use::gradient);
    arena.extend(gradient_block[op.input], moment);
    input_gradient_block[i] = gradient_block[op.input];
  }

  plan result;
  result.bytes = arena.place();
  result.activation_bytes = arena.peak(use::activation);
  result.gradient_bytes = arena.peak(use::gradient);
  result.scratch_bytes = arena.peak(use::scratch);
  const auto offsets = [&arena](const std::vector<std::size_t>& blocks) {
    std::vector<std::size_t> at(blocks.size(), plan::none);
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      if (blocks[k] != plan::none) at[k] = arena[blocks[k]].offset;
    }
    return at;
  };
  for (const operation_bytes& b : bytes) result.fused_by.push_back(b.fused_by);
  result.value = offsets(value_block);
  result.gradient = offsets(gradient_block);
  result.input_gradient = offsets(input_gradient_block);
  result.saved = offsets(saved_allocation);
  result.parameter_gradient = offsets(parameter_block);
  result.scratch = offsets(scratch_block);
  result.backward_scratch = offsets(backward_scratch_block);
  result.local_loss_scratch = offsets(local_loss_allocation);
  result.observe_scratch = offsets(observe_block);
  result.learn_scratch = offsets(learn_block);
  if (loss_block != plan::none) result.loss = arena[loss_block].offset;
  return result;
}

}  // namespace localis
