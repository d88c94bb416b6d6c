#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/random.hpp>
#include <localis/model/boundary_plans.hpp>
#include <localis/model/memory_plan.hpp>

namespace lo = localis;
using kind = lo::operation_kind;
using lo::operation;
using lo::plan;

namespace {

/// A program made by hand or by chance, with the bytes of each operation. Value v is made by operation v - 1.
struct example {
  std::vector<operation> operations;
  std::vector<lo::operation_bytes> bytes;
  std::size_t stages = 0;
  std::size_t value = 0;   ///< that the next operation reads
  std::size_t size = 0;    ///< its bytes
  std::size_t bucket = 0;  ///< least bytes of gradients that ranks add up at once; 0: one rank
  struct block {
    std::size_t value = 0;
    std::size_t size = 0;
    std::size_t start = 0;   ///< of its branch
    std::size_t joined = 0;  ///< value of the branches before it
    std::size_t joined_size = 0;
  };
  std::vector<block> blocks{};  ///< within each other

  explicit example(std::size_t input_bytes) : size(input_bytes) {}

  operation& add(kind added, std::size_t output_bytes) {
    operation op;
    op.kind = added;
    op.elementwise = added != kind::linear && added != kind::pooling && added != kind::concatenate;
    if (added == kind::linear || added == kind::normalization || added == kind::multiply) {
      op.saves = lo::saved_values::input;
    }
    if (added == kind::activation) op.saves = lo::saved_values::output;
    if (added == kind::pooling) op.saves = lo::saved_values::input_and_output;
    op.parameters = added == kind::linear || added == kind::normalization ? 1 : 0;
    op.accumulates = added == kind::linear || added == kind::concatenate;
    const kind before = operations.empty() ? kind::dropout : operations.back().kind;
    op.is_epilogue = (added == kind::normalization && before == kind::linear) ||
                     (added == kind::pooling && before == kind::normalization && operations.back().is_epilogue);
    if (blocks.empty() && (added == kind::save_skip || added == kind::linear)) ++stages;
    op.stage = stages == 0 ? 0 : stages - 1;
    op.input = value;
    op.output = operations.size() + 1;
    lo::operation_bytes b;
    b.input = size;
    b.output = output_bytes;
    b.gradients = op.parameters > 0 ? 128 : 0;
    operations.push_back(op);
    bytes.push_back(b);
    value = op.output;
    size = output_bytes;
    return operations.back();
  }
  void linear(std::size_t output_bytes) { add(kind::linear, output_bytes); }
  operation& same(kind added) { return add(added, size); }
  void open_block() {
    const block opened{value, size, operations.size()};
    same(kind::save_skip);
    blocks.push_back(opened);
  }
  void open_shortcut() {
    block& open = blocks.back();
    open.joined = value;
    open.joined_size = size;
    value = open.value;
    size = open.size;
    same(kind::shortcut);
    operations[open.start].skip = value;
    open.start = operations.size() - 1;
  }
  /// Joins the branch to those before it.
  void join(kind how) {
    const block& open = blocks.back();
    if (how == kind::concatenate) {
      add(how, size + (open.joined == 0 ? 0 : open.joined_size)).skip = open.joined;
    } else {
      const std::size_t skip = value;
      value = open.joined;
      size = open.joined_size;
      same(how).skip = skip;
    }
  }
  void close_block(kind how = kind::add) {
    join(how);
    blocks.pop_back();
    if (how != kind::concatenate) return;
    for (std::size_t part = value; part != 0; part = operations[part - 1].skip) bytes[part - 1].output = size;
  }

  [[nodiscard]] plan planned(std::size_t boundary, std::size_t loss = 64) const {
    return lo::make_plan(operations, bytes_of(boundary), stages, boundary, loss, bucket);
  }
  /// On several ranks, rules that learn in the forward pass keep something.
  [[nodiscard]] std::vector<lo::operation_bytes> bytes_of(std::size_t boundary) const {
    std::vector<lo::operation_bytes> result = bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const bool learns = operations[i].kind == kind::linear && bytes[i].learn_scratch == 0;
      if (bucket == 0 || !learns || boundary == stages || operations[i].stage >= boundary) continue;
      result[i].kept = 64 + bytes[i].gradients;
      result[i].kept_sums = bytes[i].gradients;
    }
    return result;
  }
};

/// Goes through one training step and writes a stamp of its own over every range of the arena that an operation would
/// write; each read looks for the stamp of what it wants. Knows what operations do, and of the plan only its offsets.
class simulation {
 public:
  simulation(const example& program, std::size_t boundary)
      : program_(program),
        bytes_(program.bytes_of(boundary)),
        boundary_(boundary),
        plan_(program.planned(boundary)),
        arena_(plan_.bytes / unit, 0) {}

  /// Runs the operations before this one twice, for one half of the batch each, before the others see all of it.
  void run_by_halves(std::size_t operations) {
    prefix_ = operations;
    half_ = 1;
    for (std::size_t i = 0; i < prefix_; ++i) forward(i);
    half_ = 0;
  }

  std::size_t sums = 0;  ///< branches whose gradients were added in the pass of their first layer

  /// What went wrong first, or nothing.
  [[nodiscard]] std::string run() {
    const std::size_t n = program_.operations.size();
    for (std::size_t i = 0; i < n; ++i) {
      forward(i);
      if (i + 1 == n || op(i + 1).stage != op(i).stage) finish_stage(i);
    }
    read_value(n, program_.bytes[n - 1].output, "output at the end", n);
    if (boundary_ < program_.stages) {
      region_ = program_.stages;
      write(plan_.loss, 64, stamp(0, loss));
      write(plan_.gradient(n), program_.bytes[n - 1].output, gradient_stamp(n));
      read_value(n, program_.bytes[n - 1].output, "output at the loss", n);
      read(plan_.loss, 64, stamp(0, loss), "scratch of the loss", n);
      for (std::size_t i = n; i-- > 0;) {
        if (op(i).stage < boundary_ || !matters(op(i).output)) continue;
        if (i + 1 == n || op(i + 1).stage != op(i).stage) observe(i);
        backward(i);
      }
      for (std::size_t i = 0; i < n; ++i) {
        if (learns(i)) {
          read(plan_.operations[i].parameter_gradients, program_.bytes[i].gradients, stamp(i, parameters),
               "parameter gradient", i);
        }
      }
    }
    if (program_.bucket > 0) {  // the steps of all stages before the boundary
      for (std::size_t i = 0; i < n; ++i) {
        read(plan_.operations[i].kept, bytes_[i].kept, stamp(i, kept), "kept", i);
        if (op(i).stage >= boundary_ || boundary_ == program_.stages) continue;
        region_ = op(i).stage;
        if (supervised(region_)) take_local_step(i);
      }
    }
    return fault_;
  }

 private:
  static constexpr std::size_t unit = 64;
  enum content_kind : std::uint64_t { value = 1, gradient, sum_of_gradients, scratch, saved, parameters, loss, kept };
  static std::uint64_t stamp(std::size_t number, content_kind written) { return number * 16 + written; }

  [[nodiscard]] const operation& op(std::size_t i) const { return program_.operations[i]; }
  [[nodiscard]] static bool starts_branch(const operation& o) {
    return o.kind == kind::save_skip || o.kind == kind::shortcut;
  }
  [[nodiscard]] static bool joins(const operation& o) {
    return o.kind == kind::add || o.kind == kind::multiply || o.kind == kind::concatenate;
  }
  /// The value whose numbers these are: some junctions pass theirs on, and a concatenation is completed where it lies.
  [[nodiscard]] std::size_t content(std::size_t v) const {
    while (v > 0) {
      const operation& o = op(v - 1);
      if (starts_branch(o)) {
        v = o.input;
      } else if (o.kind == kind::concatenate && o.skip != 0) {
        v = o.skip;
      } else {
        return v;
      }
    }
    return v;
  }
  [[nodiscard]] std::size_t value_at(std::size_t v) const { return plan_.value(v); }
  /// The bytes of a value that operation i reads or writes, and where they begin.
  [[nodiscard]] std::size_t bytes_of(std::size_t v, std::size_t i) const {
    if (v == 0) return 0;
    const lo::operation_bytes& b = program_.bytes[v - 1];
    return b.holds_batch && i < prefix_ ? b.output / 2 : b.output;
  }
  [[nodiscard]] std::size_t place_of(std::size_t v, std::size_t i) const {
    const bool is_half = v > 0 && i < prefix_ && plan_.operations[v - 1].holds_batch;
    return value_at(v) + (is_half ? half_ * bytes_of(v, i) : 0);
  }
  /// The stamp of the gradient of a value: one and the same for both summands of a sum, and for all that is
  /// concatenated.
  [[nodiscard]] std::uint64_t gradient_stamp(std::size_t v) const {
    for (const operation& o : program_.operations) {
      if ((o.kind == kind::add && (o.input == v || o.skip == v)) || (o.kind == kind::concatenate && o.skip == v)) {
        return gradient_stamp(o.output);
      }
    }
    return stamp(v, gradient);
  }
  /// The stamp of the gradient that a branch, which operation `start` begins, and those after it give their input.
  [[nodiscard]] std::uint64_t branches_stamp(std::size_t start) const {
    const operation& o = op(start);
    if (o.kind == kind::save_skip) return gradient_stamp(o.input);
    return o.skip == 0 ? gradient_stamp(o.output) : stamp(o.output, sum_of_gradients);
  }
  /// Whether gradients pass here in the region under way: a supervised stage, or all from the boundary on.
  [[nodiscard]] bool inside(std::size_t i) const {
    return region_ == program_.stages ? op(i).stage >= boundary_ : op(i).stage == region_;
  }
  [[nodiscard]] bool learns(std::size_t i) const { return inside(i) && op(i).parameters > 0; }
  /// Whether a parameter that learns in this region has a say in this value.
  [[nodiscard]] bool matters(std::size_t v) const {
    if (v == 0 || !inside(v - 1)) return false;
    return learns(v - 1) || matters(op(v - 1).input) || (joins(op(v - 1)) && matters(op(v - 1).skip));
  }
  [[nodiscard]] bool supervised(std::size_t stage) const {
    for (std::size_t i = 0; i < program_.operations.size(); ++i) {
      if (op(i).stage == stage && program_.bytes[i].learn_scratch > 0) return true;
    }
    return false;
  }

  void write(std::size_t offset, std::size_t bytes, std::uint64_t mark) {
    if (bytes == 0) return;
    if (offset == plan::none || offset % unit != 0 || offset + bytes > plan_.bytes) return fail("no room for", mark);
    for (std::size_t k = offset / unit; k * unit < offset + bytes; ++k) arena_[k] = mark;
  }
  void read(std::size_t offset, std::size_t bytes, std::uint64_t mark, const char* name, std::size_t i) {
    if (bytes == 0) return;
    if (offset == plan::none || offset + bytes > plan_.bytes) return fail(name, i);
    for (std::size_t k = offset / unit; k * unit < offset + bytes; ++k) {
      if (arena_[k] != mark) return fail(name, i);
    }
  }
  void read_value(std::size_t v, std::size_t bytes, const char* name, std::size_t i) {
    if (content(v) != 0) read(place_of(v, i), bytes, stamp(content(v), value), name, i);
  }
  void fail(const char* name, std::size_t number) {
    if (fault_.empty()) fault_ = lo::text(name, " ", number, ", boundary ", boundary_);
  }

  void forward(std::size_t i) {
    const operation& o = op(i);
    if (starts_branch(o)) return;
    const lo::operation_bytes& b = program_.bytes[i];
    const lo::operation_slots& offsets = plan_.operations[i];
    const std::size_t skip_bytes = bytes_of(o.skip, i);
    const std::size_t output_bytes = bytes_of(o.output, i);
    region_ = boundary_ < program_.stages && o.stage >= boundary_ ? program_.stages
              : supervised(o.stage)                               ? o.stage
                                                                  : plan::none;
    const bool keeps = region_ != plan::none && matters(o.output);
    write(offsets.forward_scratch, b.forward_scratch, stamp(i, scratch));
    write(offsets.kept, bytes_[i].kept, stamp(i, kept));
    read_value(o.input, b.input, "input", i);
    read_value(o.skip, skip_bytes, "skip", i);
    if (o.kind == kind::concatenate && o.skip != 0 && value_at(o.output) != value_at(o.skip)) {
      return fail("a concatenation in two places", i);
    }
    const bool is_pooled = keeps && o.kind == kind::pooling && o.is_epilogue;  // by the operation before
    if (!is_pooled) write(place_of(o.output, i), output_bytes, stamp(content(o.output), value));
    if (keeps && !o.is_epilogue) write(offsets.saved, b.saved, stamp(i, saved));
    if (keeps && i + 1 < program_.operations.size() && op(i + 1).is_epilogue) {
      const std::size_t next = op(i + 1).output;
      write(plan_.operations[i + 1].saved, program_.bytes[i + 1].saved, stamp(i + 1, saved));
      if (op(i + 1).kind == kind::pooling) write(place_of(next, i), bytes_of(next, i), stamp(next, value));
    }
    // All of these are used at once: the output may lie on the input of an elementwise operation, on nothing else.
    read(offsets.forward_scratch, b.forward_scratch, stamp(i, scratch), "scratch", i);
    const bool in_place = o.elementwise && value_at(o.output) == value_at(o.input);
    if (!in_place) read_value(o.input, b.input, "input, after the output was written,", i);
    const bool is_input = content(o.skip) == content(o.input);  // two branches without layers
    if (!is_input) read_value(o.skip, skip_bytes, "skip, after the output was written,", i);
    read_value(o.output, output_bytes, "output", i);
    if (keeps) read(offsets.saved, b.saved, stamp(i, saved), "saved, forward", i);
  }

  /// Behind the last operation of a stage: its local loss, and before the boundary its own backward pass and its step.
  void finish_stage(std::size_t last) {
    const std::size_t stage = op(last).stage;
    const std::size_t output = op(last).output;
    const bool learns_here = supervised(stage) && stage < boundary_;
    for (std::size_t i = 0; i <= last; ++i) {
      const std::size_t bytes = program_.bytes[i].local_loss_scratch;
      if (op(i).stage != stage || bytes == 0) continue;
      write(plan_.operations[i].local_loss_scratch, bytes, stamp(i, scratch));
      if (learns_here) write(plan_.gradient(output), program_.bytes[last].output, gradient_stamp(output));
      read_value(output, program_.bytes[last].output, "output at its local loss", i);
      read(plan_.operations[i].local_loss_scratch, bytes, stamp(i, scratch), "scratch of the local loss", i);
    }
    if (!learns_here) return;
    region_ = stage;
    for (std::size_t i = last + 1; i-- > 0;) {
      if (inside(i)) backward(i);
    }
    for (std::size_t i = 0; program_.bucket == 0 && i <= last; ++i) take_local_step(i);
    // What the stages behind read.
    read_value(output, program_.bytes[last].output, "output after a local step", last);
  }
  void take_local_step(std::size_t i) {
    const lo::operation_bytes& b = program_.bytes[i];
    if (!learns(i) || b.learn_scratch == 0) return;
    write(plan_.operations[i].learn_scratch, b.learn_scratch, stamp(i, scratch));
    read(plan_.operations[i].parameter_gradients, b.gradients, stamp(i, parameters),
         "parameter gradient of a local step", i);
    read(plan_.operations[i].learn_scratch, b.learn_scratch, stamp(i, scratch), "scratch of a local step", i);
  }
  /// Behind the boundary: the true gradient of the stage's output, to its local loss.
  void observe(std::size_t last) {
    for (std::size_t i = 0; i <= last; ++i) {
      const std::size_t bytes = program_.bytes[i].local_loss_scratch;
      if (op(i).stage != op(last).stage || bytes == 0) continue;
      write(plan_.operations[i].observe_scratch, bytes, stamp(i, scratch));
      read(plan_.gradient(op(last).output), program_.bytes[last].output, gradient_stamp(op(last).output),
           "true gradient", i);
      read(plan_.operations[i].observe_scratch, bytes, stamp(i, scratch), "scratch of the observer", i);
    }
  }

  void backward(std::size_t i) {
    const operation& o = op(i);
    if (!matters(o.output)) return;
    if (starts_branch(o)) return add_branches(i);
    const lo::operation_bytes& b = program_.bytes[i];
    const lo::operation_slots& offsets = plan_.operations[i];
    const std::size_t own = plan_.gradient(o.output);
    const bool to_input = matters(o.input);
    const bool to_skip = joins(o) && matters(o.skip);
    const std::size_t skip_bytes = bytes_of(o.skip, i);
    const std::size_t output_bytes = bytes_of(o.output, i);
    write(offsets.backward_scratch, b.backward_scratch, stamp(i, scratch));
    if (o.saves_input()) read_value(o.input, b.input, "input, backward", i);
    if (o.kind == kind::multiply) read_value(o.skip, skip_bytes, "skip, backward", i);
    if (o.saves_output()) read_value(o.output, output_bytes, "output, backward", i);
    if (learns(i)) write(offsets.parameter_gradients, b.gradients, stamp(i, parameters));
    read(offsets.saved, b.saved, stamp(i, saved), "saved", i);
    read(own, output_bytes, gradient_stamp(o.output), "output gradient", i);
    if (to_skip && o.kind == kind::multiply) {
      write(plan_.gradient(o.skip), skip_bytes, gradient_stamp(o.skip));
      read(own, output_bytes, gradient_stamp(o.output), "output gradient, after the factor's was", i);
    } else if (to_skip && plan_.gradient(o.skip) != own) {
      return fail("a gradient that is not shared", i);
    }
    if (to_input) {
      if (offsets.input_gradient != plan_.gradient(o.input)) return fail("place of the input gradient", i);
      if (o.kind == kind::add && offsets.input_gradient != own) return fail("a sum that is not in place", i);
      if (offsets.adds_input_gradient) {
        if (i == 0 || !starts_branch(op(i - 1)) || op(i - 1).skip == 0) return fail("nothing to add to", i);
        const std::size_t next = op(i - 1).skip - 1;
        if (!o.accumulates || plan_.operations[next].input_gradient != offsets.input_gradient) {
          return fail("place of the sum", i);
        }
        read(offsets.input_gradient, b.input, branches_stamp(next), "gradient of the branches after this one", i);
        ++sums;
      }
      write(plan_.gradient(o.input), b.input, gradient_stamp(o.input));
      const bool in_place = o.elementwise && plan_.gradient(o.input) == own;
      if (!in_place) read(own, output_bytes, gradient_stamp(o.output), "output gradient, after the input's was", i);
      if (to_skip) read(plan_.gradient(o.skip), skip_bytes, gradient_stamp(o.skip), "gradient of the skip", i);
    } else if (offsets.input_gradient != plan::none) {
      return fail("an input gradient that no one wants", i);
    }
    if (o.saves_input()) read_value(o.input, b.input, "input, after backward", i);
    if (o.kind == kind::multiply) read_value(o.skip, skip_bytes, "skip, after backward", i);
    if (o.saves_output()) read_value(o.output, output_bytes, "output, after backward", i);
    read(offsets.saved, b.saved, stamp(i, saved), "saved, after backward", i);
    read(offsets.backward_scratch, b.backward_scratch, stamp(i, scratch), "backward scratch", i);
    if (learns(i)) read(offsets.parameter_gradients, b.gradients, stamp(i, parameters), "own parameter gradient", i);
  }

  /// At the beginning of a branch: adds the gradient of the branches after it.
  void add_branches(std::size_t i) {
    const operation& o = op(i);
    const std::size_t bytes = program_.bytes[i].output;
    const std::size_t own = plan_.gradient(o.output);
    const std::size_t sum = plan_.operations[i].input_gradient;
    if (o.kind == kind::save_skip && sum != plan_.gradient(o.input)) return fail("place of the branches' gradient", i);
    read(own, bytes, gradient_stamp(o.output), "gradient of a branch", i);
    const bool added = plan_.operations[i + 1].adds_input_gradient;
    if (o.skip == 0 || added) {
      if (sum != own) return fail("a gradient that is not passed on", i);
    } else {
      read(plan_.operations[o.skip - 1].input_gradient, bytes, branches_stamp(o.skip - 1), "gradient of the branches",
           i);
    }
    if (o.skip == 0) return;
    write(sum, bytes, branches_stamp(i));
    if (sum != own) read(own, bytes, gradient_stamp(o.output), "gradient of a branch, after the sum", i);
  }

  const example& program_;
  std::vector<lo::operation_bytes> bytes_;
  std::size_t boundary_;
  plan plan_;
  std::vector<std::uint64_t> arena_;
  std::size_t region_ = plan::none;
  std::size_t prefix_ = 0;  ///< operations that run by halves of the batch
  std::size_t half_ = 0;    ///< the one under way
  std::string fault_;
};

/// Makes the stages for which `wanted(stage)` is true learn from a local loss, held by the first linear operation.
template <class Wanted>
void supervise(example& p, const Wanted& wanted, std::size_t local_loss, std::size_t step) {
  std::size_t held = plan::none;
  for (std::size_t i = 0; i < p.operations.size(); ++i) {
    const operation& op = p.operations[i];
    if (op.kind != kind::linear || op.stage + 1 >= p.stages || !wanted(op.stage)) continue;
    if (held != op.stage) p.bytes[i].local_loss_scratch = local_loss;
    held = op.stage;
    p.bytes[i].learn_scratch = step;
  }
}

/// Numbers out of a seed, one after the other.
class dice {
 public:
  explicit dice(std::uint64_t seed) : stream_(seed, 0) {}
  std::size_t below(std::size_t n) { return stream_.integer(next_++, n); }

 private:
  lo::random_stream stream_;
  std::uint64_t next_ = 0;
};

/// Adds layers to a program by chance.
class random_layers {
 public:
  random_layers(example& program, std::uint64_t seed) : p_(program), draw_(seed) {}

  void add_program() {
    fill(2);
    for (std::size_t pieces = 2 + draw_.below(4); pieces > 0; --pieces) add_piece();
    p_.linear(1 + draw_.below(200));
  }
  void add_bytes() {
    for (std::size_t i = 0; i < p_.bytes.size(); ++i) {
      if (p_.operations[i].kind == kind::save_skip || p_.operations[i].kind == kind::shortcut) continue;
      p_.bytes[i].forward_scratch = draw_.below(3) == 0 ? 1 + draw_.below(1500) : 0;
      p_.bytes[i].backward_scratch = draw_.below(3) == 0 ? 1 + draw_.below(1500) : 0;
      p_.bytes[i].saved = p_.operations[i].kind == kind::normalization ? 1 + draw_.below(200) : 0;
      if (p_.operations[i].parameters > 0) p_.bytes[i].gradients = 1 + draw_.below(1500);
    }
  }

 private:
  void fill(std::size_t most) {
    constexpr kind elementwise[] = {kind::normalization, kind::activation, kind::dropout};
    for (std::size_t count = draw_.below(most + 1); count > 0; --count) {
      if (draw_.below(5) == 0) {
        p_.add(kind::pooling, 1 + draw_.below(1000));
      } else {
        p_.same(elementwise[draw_.below(3)]);
      }
    }
  }
  void add_piece() {
    if (p_.blocks.size() < 3 && draw_.below(2) == 0) {
      add_block();
    } else {
      p_.linear(1 + draw_.below(2000));
    }
    fill(2);
  }
  void add_block() {
    constexpr kind joins[] = {kind::add, kind::multiply, kind::concatenate};
    const kind how = joins[draw_.below(3)];
    const std::size_t branches = how == kind::multiply ? 2 : 2 + draw_.below(3);
    const std::size_t out = draw_.below(2) == 0 ? p_.size : 1 + draw_.below(2000);
    p_.open_block();
    for (std::size_t branch = 0; branch < branches; ++branch) {
      if (branch > 0) p_.open_shortcut();
      for (std::size_t pieces = draw_.below(3); pieces > 0; --pieces) add_piece();
      const bool spreads = how == kind::multiply && branch == 1 && draw_.below(2) == 0;
      if (how != kind::concatenate && p_.size != out && !spreads) p_.linear(out);
      if (draw_.below(3) == 0) p_.same(kind::normalization);
      if (branch + 1 == branches) return p_.close_block(how);
      if (branch > 0 || how == kind::concatenate) p_.join(how);
    }
  }

  example& p_;
  dice draw_;
};

example random_program(std::uint64_t seed) {
  example p(64 * (1 + seed * 7 % 20));
  random_layers layers(p, seed);
  layers.add_program();
  layers.add_bytes();
  return p;
}

}  // namespace

TEST_CASE("plan: nothing is overwritten while it is wanted, for any program and boundary") {
  std::size_t steps = 0;
  std::size_t blocks = 0;
  std::size_t sums = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const example p = random_program(seed);
    for (const operation& op : p.operations) blocks += op.kind == kind::add ? 1 : 0;
    for (std::size_t boundary = 0; boundary <= p.stages; ++boundary) {
      simulation step(p, boundary);
      const std::string fault = step.run();
      if (!fault.empty()) {
        CAPTURE(seed);
        CHECK(fault == "");
      }
      ++steps;
      sums += step.sums;
    }
  }
  CHECK(steps > 1000);
  CHECK(blocks > 300);
  CHECK(sums > 300);
}

TEST_CASE("plan: nothing is overwritten while it is wanted, where the prefix runs by parts of the batch") {
  std::size_t steps = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const example whole = random_program(seed);
    for (std::size_t boundary = 1; boundary < whole.stages; ++boundary) {
      example p = whole;
      lo::detail::mark_prefix_output(p.operations, boundary, p.bytes);
      std::size_t prefix = 0;
      while (p.operations[prefix].stage < boundary) ++prefix;
      for (std::size_t i = 0; i < p.bytes.size(); ++i) {
        lo::operation_bytes& b = p.bytes[i];
        b.input = lo::workspace::round_up(b.input) * (i >= prefix ? 2 : 1);
        b.output = lo::workspace::round_up(b.output) * (i >= prefix || b.holds_batch ? 2 : 1);
      }
      simulation step(p, 0);
      step.run_by_halves(prefix);
      const std::string fault = step.run();
      if (!fault.empty()) {
        CAPTURE(seed);
        CAPTURE(boundary);
        CHECK(fault == "");
      }
      ++steps;
    }
  }
  CHECK(steps > 500);
}

TEST_CASE("plan: nothing is overwritten while it is wanted, where stages are supervised") {
  std::size_t supervised = 0;
  std::size_t in_blocks = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    example p = random_program(seed);
    dice draw(seed + 1000);
    std::vector<bool> wanted(p.stages);
    for (std::size_t stage = 0; stage < p.stages; ++stage) wanted[stage] = draw.below(4) > 0;
    supervise(
        p, [&](std::size_t stage) { return wanted[stage]; }, 1 + draw.below(1500), 1 + draw.below(1500));
    for (std::size_t i = 0; i < p.bytes.size(); ++i) {
      supervised += p.bytes[i].local_loss_scratch > 0 ? 1U : 0U;
      in_blocks +=
          p.bytes[i].local_loss_scratch > 0 && p.operations[i - (i > 0 ? 1 : 0)].kind == kind::save_skip ? 1U : 0U;
    }
    for (const std::size_t bucket : {0U, 1U, 2000U}) {
      p.bucket = bucket;
      for (std::size_t boundary = 0; boundary <= p.stages; ++boundary) {
        const std::string fault = simulation(p, boundary).run();
        if (!fault.empty()) {
          CAPTURE(seed);
          CAPTURE(bucket);
          CHECK(fault == "");
        }
      }
    }
  }
  CHECK(supervised > 300);
  CHECK(in_blocks > 30);
}

namespace {

constexpr std::size_t large = 64 * 100;

example chain(std::size_t layers) {
  example p(large);
  for (std::size_t k = 0; k < layers; ++k) {
    p.linear(large);
    p.same(kind::activation);
  }
  p.linear(64);
  return p;
}

example blocks(std::size_t count, bool projects) {
  example p(large);
  p.linear(large);
  for (std::size_t k = 0; k < count; ++k) {
    p.open_block();
    p.linear(large);
    p.same(kind::activation);
    p.linear(large);
    p.open_shortcut();
    if (projects) p.linear(large);
    p.close_block();
    p.same(kind::activation);
  }
  p.linear(64);
  return p;
}

}  // namespace

TEST_CASE("plan: a prefix takes the same memory however deep it is") {
  const plan shallow = chain(3).planned(3);
  const plan deep = chain(12).planned(12);
  CHECK(shallow.activation_bytes == 2 * large);
  CHECK(deep.activation_bytes == 2 * large);
  CHECK(deep.bytes == shallow.bytes);
  // By gradient every layer keeps its output.
  CHECK(chain(3).planned(0).activation_bytes == 3 * large + 64);
  CHECK(chain(12).planned(0).activation_bytes == 12 * large + 64);
  // Half way: the gradient half, and nothing of the prefix but the boundary's input.
  CHECK(chain(12).planned(8).activation_bytes == 5 * large + 64);
  // A prediction is a prefix without an end.
  CHECK(chain(12).planned(13).bytes == 2 * large);
  CHECK(chain(12).planned(13).gradient_bytes == 0);
}

TEST_CASE("plan: a prefix of residual blocks takes one buffer more, with projections too") {
  for (const bool projects : {false, true}) {
    CAPTURE(projects);
    CHECK(blocks(1, projects).planned(2).activation_bytes == 3 * large);
    CHECK(blocks(7, projects).planned(8).activation_bytes == 3 * large);
    CHECK(blocks(7, projects).planned(8).bytes == blocks(1, projects).planned(2).bytes);
  }
}

TEST_CASE("plan: gradients below the boundary have no place") {
  const plan p = blocks(2, true).planned(1);  // stage 0: linear; 1 and 2: blocks; 3: the last linear
  const example program = blocks(2, true);
  for (std::size_t i = 0; i < program.operations.size(); ++i) {
    const operation& op = program.operations[i];
    const bool learns = op.stage >= 1 && op.parameters > 0;
    CAPTURE(i);
    CHECK((p.operations[i].parameter_gradients != plan::none) == learns);
  }
  CHECK(p.gradient(0) == plan::none);
  CHECK(p.operations[0].input_gradient == plan::none);
  CHECK(p.gradient(1) == plan::none);  // input of the transition stage
  CHECK(p.gradient(2) == plan::none);  // and of its block's first layer: nothing before it learns by gradient
  CHECK(p.gradient(3) != plan::none);
  CHECK(p.gradient(6) == plan::none);  // input of its projection
  CHECK(p.gradient(7) != plan::none);
}

TEST_CASE("plan: writing over the input, where no one reads it again") {
  example p(large);
  p.linear(large);              // value 1
  p.same(kind::normalization);  // 2
  p.same(kind::activation);     // 3
  p.linear(large);              // 4
  p.same(kind::activation);     // 5
  p.open_block();               // 6, the same numbers as 5
  p.same(kind::activation);     // 7: its input is still wanted by the sum
  p.linear(large);              // 8
  p.open_shortcut();            // 9
  p.close_block();              // 10
  p.linear(64);

  const plan prefix = p.planned(3);
  CHECK(prefix.value(2) == prefix.value(1));
  CHECK(prefix.value(3) == prefix.value(1));
  CHECK(prefix.value(4) != prefix.value(3));
  CHECK(prefix.value(5) == prefix.value(4));
  CHECK(prefix.value(6) == prefix.value(5));
  CHECK(prefix.value(7) != prefix.value(6));
  CHECK(prefix.value(9) == prefix.value(5));
  CHECK(prefix.value(10) == prefix.value(8));

  const plan suffix = p.planned(0);
  CHECK(suffix.value(2) != suffix.value(1));  // normalization reads its input backward
  CHECK(suffix.value(3) == suffix.value(2));
  CHECK(suffix.gradient(1) == suffix.gradient(3));  // gradients pass through elementwise operations in place
}

TEST_CASE("plan: in training, a pooling that the normalization before it may run has its place from then on") {
  example p(64);
  p.linear(64);
  p.same(kind::normalization);
  p.add(kind::pooling, 64);
  p.linear(64);
  p.bytes[1].forward_scratch = large;
  CHECK(simulation(p, 0).run().empty());
  CHECK(p.planned(2).value(3) == p.planned(2).operations[1].forward_scratch);  // nothing is saved: it runs afterwards
}

TEST_CASE("plan: the gradients of all branches are added in one place, and passed on there") {
  for (const kind how : {kind::add, kind::concatenate}) {
    CAPTURE(how == kind::add);
    example p(large);
    p.linear(large);           // value 1
    p.same(kind::activation);  // 2
    p.open_block();            // 3
    p.linear(large);           // 4
    p.same(kind::dropout);     // 5
    if (how == kind::concatenate) p.join(how);
    for (std::size_t more = 0; more < 2; ++more) {
      p.open_shortcut();
      p.linear(large);
      p.same(kind::dropout);
      if (more == 0) p.join(how);
    }
    p.close_block(how);
    p.linear(64);
    const plan found = p.planned(0);
    const auto first = [&](std::size_t branch) {  // the operation that begins it
      std::size_t i = 2;
      while (branch > 0) branch -= p.operations[++i].kind == kind::shortcut ? 1U : 0U;
      return i;
    };
    CHECK(found.operations[first(0)].input_gradient == found.operations[first(2)].input_gradient);
    CHECK(found.operations[first(1)].input_gradient == found.operations[first(2)].input_gradient);
    CHECK(found.operations[first(0) + 1].adds_input_gradient);
    CHECK(found.operations[first(1) + 1].adds_input_gradient);
    CHECK_FALSE(found.operations[first(2) + 1].adds_input_gradient);
    CHECK(found.gradient(2) == found.operations[first(2)].input_gradient);
    CHECK(found.gradient(1) == found.gradient(2));
    // A sum passes its gradient on where it is. The branches of a concatenation have one each.
    CHECK((found.gradient(5) == found.gradient(p.value - 1)) == (how == kind::add));
  }
}

TEST_CASE("plan: a concatenation is made of its branches where it lies, and of a prefix nothing else is kept") {
  example p(large);
  p.linear(large);
  for (std::size_t k = 0; k < 4; ++k) {
    p.open_block();
    p.linear(large);
    p.join(kind::concatenate);
    p.open_shortcut();
    p.linear(2 * large);
    p.close_block(kind::concatenate);
    p.linear(large);
  }
  p.linear(64);
  // The input of a block, the concatenation of three times its size, and the branch under way.
  CHECK(p.planned(p.stages - 1).activation_bytes == 6 * large);
  // By gradient: four inputs and concatenations, which linear operations read, and the last branch under way. The other
  // branches are not kept.
  CHECK(p.planned(0).activation_bytes == (4 + 4 * 3 + 2) * large);
}

TEST_CASE("plan: a supervised prefix keeps one stage at a time") {
  const auto supervised = [](std::size_t layers, std::size_t boundary) {
    example p = chain(layers);
    supervise(
        p, [](std::size_t) { return true; }, 64, 64);
    return p.planned(boundary);
  };
  const plan shallow = supervised(3, 3);
  const plan deep = supervised(12, 12);
  CHECK(deep.activation_bytes == shallow.activation_bytes);
  CHECK(deep.gradient_bytes == shallow.gradient_bytes);
  CHECK(deep.bytes == shallow.bytes);
  CHECK(deep.activation_bytes == 2 * large);
  CHECK(deep.gradient_bytes == large + 128);  // of the output, and of one layer's parameters
  CHECK(deep.bytes < supervised(12, 0).bytes);
}

TEST_CASE("plan: within a supervised stage the gradient ends at its first layer") {
  example p(large);
  p.linear(large);  // value 1
  p.same(kind::activation);
  p.open_block();  // 3
  p.linear(large);
  p.same(kind::activation);
  p.linear(large);    // 6
  p.open_shortcut();  // 7
  p.linear(large);    // 8
  p.close_block();    // 9
  p.linear(64);
  supervise(
      p, [](std::size_t stage) { return stage == 1; }, 64, 64);
  const plan found = p.planned(2);
  CHECK(found.gradient(1) == plan::none);
  CHECK(found.gradient(2) == plan::none);
  CHECK(found.gradient(3) == plan::none);
  CHECK(found.gradient(4) != plan::none);
  CHECK(found.gradient(6) != plan::none);
  CHECK(found.gradient(7) == plan::none);
  CHECK(found.gradient(8) != plan::none);
  CHECK(found.gradient(9) != plan::none);
  CHECK(found.operations[0].parameter_gradients == plan::none);
  for (const std::size_t i : {3U, 5U, 7U}) {
    CHECK(found.operations[i].parameter_gradients != plan::none);
    CHECK(found.operations[i].learn_scratch != plan::none);
  }
  CHECK(found.operations[3].local_loss_scratch != plan::none);
  CHECK(found.operations[3].observe_scratch == plan::none);
  const plan behind = p.planned(1);
  CHECK(behind.operations[3].local_loss_scratch != plan::none);
  CHECK(behind.operations[3].observe_scratch != plan::none);
  CHECK(behind.operations[3].learn_scratch == plan::none);
}

TEST_CASE("plan: ranks add up blocks of neighbouring gradients, the last operation's first") {
  example p = chain(4);  // linear operations 0, 2, 4, 6 and 8, of five stages
  const std::size_t sizes[] = {640, 100, 300, 512, 64};
  for (std::size_t k = 0; k < 5; ++k) p.bytes[2 * k].gradients = sizes[k];
  p.bucket = 500;
  const plan all = p.planned(0);
  const auto& ops = all.operations;
  // 8 has 64 bytes, and 6 fills the block; then 4 has 320, 2 has 128, and 0 fills it.
  CHECK(ops[6].summed == ops[8].parameter_gradients);
  CHECK(ops[6].summed_bytes == 64 + 512);
  CHECK(ops[6].parameter_gradients == ops[8].parameter_gradients + 64);
  CHECK(ops[0].summed == ops[4].parameter_gradients);
  CHECK(ops[0].summed_bytes == 320 + 128 + 640);
  CHECK(ops[2].parameter_gradients == ops[4].parameter_gradients + 320);
  CHECK(ops[0].parameter_gradients == ops[2].parameter_gradients + 128);
  for (const std::size_t i : {2U, 4U, 8U}) CHECK(ops[i].summed == plan::none);
  // The last block may be smaller. Before the boundary, each stage has sums of its own, which it keeps to the step.
  const plan late = p.planned(2);
  CHECK(late.operations[4].summed == late.operations[4].parameter_gradients);
  CHECK(late.operations[4].summed_bytes == 320);
  for (const std::size_t i : {0U, 2U}) {
    CHECK(late.operations[i].summed == late.operations[i].kept);
    CHECK(late.operations[i].summed_bytes == p.bytes[i].gradients);
    CHECK(late.operations[i].parameter_gradients == plan::none);
  }
  // One rank adds nothing up.
  p.bucket = 0;
  for (const lo::operation_slots& slots : p.planned(0).operations) {
    CHECK(slots.summed == plan::none);
    CHECK(slots.summed_bytes == 0);
    CHECK(slots.kept == plan::none);
  }
}

TEST_CASE("plan: behind the boundary, at most one block is there before its gradients are") {
  std::size_t larger = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    example p = random_program(seed);
    const plan one = p.planned(0);
    p.bucket = 1500;
    const plan several = p.planned(0);
    std::size_t block = 0;
    for (const lo::operation_slots& slots : several.operations) block = std::max(block, slots.summed_bytes);
    CAPTURE(seed);
    CHECK(several.gradient_bytes <= one.gradient_bytes + block);
    larger += several.gradient_bytes > one.gradient_bytes ? 1U : 0U;
  }
  CHECK(larger > 0);
}
