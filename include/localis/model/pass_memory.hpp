#pragma once

#include <cstddef>

#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/model/memory_plan.hpp>

namespace localis::detail {

/// Is told of the operations of a pass on several ranks.
class pass_observer {
 public:
  pass_observer() = default;
  pass_observer(const pass_observer&) = delete;
  pass_observer& operator=(const pass_observer&) = delete;
  virtual ~pass_observer() = default;
  /// Must be called after each operation, forward and backward. `learned` states whether it has left in the arena what
  /// operation_slots::summed says.
  virtual void end_operation(const plan& places, std::byte* arena, std::size_t operation, bool learned) = 0;
};

/// The places of the arrays of one pass over a network: a plan, and the arena to which it applies.
template <class Network, class T>
struct pass_memory {
  const plan* arena_plan = nullptr;
  std::byte* arena = nullptr;
  const T* input = nullptr;  ///< the batch; not in the plan
  std::size_t samples = 0;
  std::size_t first = 0;         ///< number of the first of them in the batch
  bool is_part = false;          ///< as in operands
  std::size_t part_samples = 0;  ///< samples that are differentiated before the boundary; 0: none, or all
  whole_batch whole{};           ///< without ranks if there is one rank
  // The stages in which ranks act together; in others, each rank learns from its own samples alone.
  std::size_t first_joint = 0;
  std::size_t end_of_joint = static_cast<std::size_t>(-1);
  pass_observer* observer = nullptr;

  /// The batch of all ranks; null if there is one rank.
  [[nodiscard]] const whole_batch* all_ranks() const { return whole.ranks == nullptr ? nullptr : &whole; }
  /// The batch of all ranks for a stage; null if this rank acts alone there.
  [[nodiscard]] const whole_batch* whole_of(std::size_t stage) const {
    return first_joint <= stage && stage < end_of_joint ? all_ranks() : nullptr;
  }
  /// The number of labelled samples from which a stage learns, if `all` of all ranks are.
  [[nodiscard]] std::size_t labelled_of(std::size_t stage, std::size_t all) const {
    return whole.ranks == nullptr || whole_of(stage) != nullptr ? all : whole.own_labelled;
  }
  void end_operation(std::size_t i, bool learned) const {
    if (observer == nullptr) return;
    observer->end_operation(*arena_plan, arena, i,
                            learned && whole_of(Network::program.operations[i].stage) != nullptr);
  }
  [[nodiscard]] const operation_slots& offsets(std::size_t i) const { return arena_plan->operations[i]; }

  /// The array at an offset; null if the offset is `none`.
  template <class U>
  [[nodiscard]] U* locate(std::size_t offset) const {
    return offset == plan::none ? nullptr : reinterpret_cast<U*>(arena + offset);
  }
  [[nodiscard]] std::byte* scratch(std::size_t offset) const { return locate<std::byte>(offset); }
  [[nodiscard]] std::byte* parameter_gradients(std::size_t i) const {
    return locate<std::byte>(offsets(i).parameter_gradients);
  }
  /// A value by its number, for reading. A value that is not in the plan is the network's input.
  [[nodiscard]] const T* value(std::size_t number) const {
    const std::size_t offset = arena_plan->value(number);
    return offset == plan::none ? input + first * Network::input.size() : locate<T>(offset) + skipped(number - 1);
  }
  /// Where a value that is in the plan lies, for writing.
  [[nodiscard]] T* place(std::size_t number) const { return locate<T>(arena_plan->value(number)); }
  /// The gradient with respect to a value; null if it is not needed.
  [[nodiscard]] T* gradient(std::size_t number) const { return locate<T>(arena_plan->gradient(number)); }

  /// The output of the network, samples x outputs.
  [[nodiscard]] const T* output() const { return value(Network::program.operations[Network::size - 1].output); }
  [[nodiscard]] T* output_gradient() const { return gradient(Network::program.operations[Network::size - 1].output); }

  /// The arrays of operation i in its forward pass, which also performs the operations up to `last` and writes the
  /// output of that one.
  [[nodiscard]] operands<T> forward_operands(std::size_t i, std::size_t last) const {
    operands<T> arrays = common_operands(i, last);
    arrays.kept = scratch(offsets(i).kept);
    arrays.scratch = scratch(offsets(i).forward_scratch);
    return arrays;
  }
  /// The arrays of operation i in its backward pass, which begins with the gradient of the output of `last`.
  [[nodiscard]] operands<T> backward_operands(std::size_t i, std::size_t last) const {
    const operation& op = Network::program.operations[i];
    operands<T> arrays = common_operands(i, last);
    arrays.output_gradient = gradient(Network::program.operations[last].output);
    arrays.input_gradient = locate<T>(offsets(i).input_gradient);
    arrays.adds_input_gradient = offsets(i).adds_input_gradient;
    if (reads_prefix(op)) arrays.input_gradient_samples = part_samples;
    if (op.joins()) {
      arrays.skip_gradient = gradient(op.skip);
    } else if (op.starts_branch() && op.skip != 0 && !offsets(i + 1).adds_input_gradient) {
      arrays.skip_gradient = locate<T>(offsets(op.skip - 1).input_gradient);
    }
    arrays.parameter_gradients = parameter_gradients(i);
    arrays.scratch = scratch(offsets(i).backward_scratch);
    return arrays;
  }
  /// The arrays of operation i in the step of a supervised rule or, behind the backward pass, of any rule.
  [[nodiscard]] operands<T> learn_operands(std::size_t i) const {
    operands<T> arrays = common_operands(i, i);
    arrays.parameter_gradients = parameter_gradients(i);
    arrays.kept = scratch(offsets(i).kept);
    arrays.scratch = scratch(offsets(i).learn_scratch);
    return arrays;
  }

 private:
  /// The values before those of the first sample in the output of operation i.
  [[nodiscard]] std::size_t skipped(std::size_t i) const {
    return offsets(i).holds_batch ? first * Network::program.operations[i].out.size() : 0;
  }
  /// Whether operation i of the suffix reads the output of the prefix, of whose gradient it computes a part alone.
  [[nodiscard]] bool reads_prefix(const operation& op) const {
    return op.trainable() && op.input > 0 && !is_part && offsets(op.input - 1).holds_batch;
  }
  [[nodiscard]] operands<T> common_operands(std::size_t i, std::size_t last) const {
    const operation& op = Network::program.operations[i];
    operands<T> arrays;
    arrays.samples = samples;
    arrays.first_sample = whole.first + first;
    arrays.is_part = is_part;
    arrays.whole = whole_of(op.stage);
    arrays.input = value(op.input);
    if (op.joins()) arrays.skip = value(op.skip);
    arrays.output = locate<T>(offsets(last).output);
    if (arrays.output != nullptr) arrays.output += skipped(last);
    arrays.saved = locate<T>(offsets(i).saved);
    return arrays;
  }
};

}  // namespace localis::detail
