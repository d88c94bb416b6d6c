#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/wait_for_sum.hpp>
#include <localis/model/executor.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/memory_plan.hpp>
#include <localis/model/pass_memory.hpp>
#include <localis/model/step_options.hpp>

namespace localis::detail {

/// What a model does on several ranks besides its passes. Only programs that call model::distribute() compile it.
template <class Network, class Backend>
class distributed_pass : public pass_observer {
 public:
  using scalar = typename Backend::scalar;

  distributed_pass(std::unique_ptr<exchange> ranks, const rank_options& options)
      : ranks_(std::move(ranks)), options_(options) {}

  [[nodiscard]] const exchange& ranks() const { return *ranks_; }
  [[nodiscard]] const rank_options& options() const { return options_; }

  /// Adds to the bytes of the operations, for a training pass, what local rules keep until their step.
  virtual void measure(const Backend& backend, const layer_pack<Network, Backend>& layers,
                       const memory_request& request, std::size_t boundary, std::span<operation_bytes> bytes) const = 0;
  /// Waits for all sums that the last pass has begun, and takes the steps of the stages before its boundary.
  virtual void finish(const executor<Network, Backend>& execute, const step_values<scalar>& step, const scalar* gains,
                      std::size_t boundary) = 0;

 private:
  std::unique_ptr<exchange> ranks_;
  rank_options options_;
};

/// Begins each sum as soon as the arrays of this rank are complete, so that it goes on while the operations after them
/// run: the sums of local rules during the forward pass, and blocks of gradients during the backward pass.
template <class Network, class Backend>
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): it overrides a virtual one
class overlapped_sums final : public distributed_pass<Network, Backend> {
 public:
  using base = distributed_pass<Network, Backend>;
  using typename base::scalar;

  overlapped_sums(std::unique_ptr<exchange> ranks, const rank_options& options) : base(std::move(ranks), options) {
    under_way_.reserve(Network::size);
  }
  overlapped_sums(const overlapped_sums&) = delete;
  overlapped_sums& operator=(const overlapped_sums&) = delete;
  /// The sums write to the arena.
  ~overlapped_sums() override {
    if (std::uncaught_exceptions() == exceptions_) wait_for_all();  // else, other ranks may never begin them
  }

  void measure(const Backend& backend, const layer_pack<Network, Backend>& layers, const memory_request& request,
               std::size_t boundary, std::span<operation_bytes> bytes) const override {
    for_each_index<Network::size>([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      if constexpr (requires { get<Index>(layers).measure_kept(backend, op); }) {
        if (op.stage >= boundary || !request.local_learning) return;
        const auto kept = get<Index>(layers).measure_kept(backend, op);
        bytes[Index].kept = kept.all;
        bytes[Index].kept_sums = kept.sums;
      }
    });
  }

  void end_operation(const plan& places, std::byte* arena, std::size_t operation, bool learned) override {
    const operation_slots& place = places.operations[operation];
    if (learned && place.summed != plan::none) {
      auto* first = reinterpret_cast<scalar*>(arena + place.summed);
      const std::span<scalar> values(first, place.summed_bytes / sizeof(scalar));
      under_way_.push_back({operation, this->ranks().begin_sum(values)});
    }
    if (!under_way_.empty()) this->ranks().progress();
  }

  void finish(const executor<Network, Backend>& execute, const step_values<scalar>& step, const scalar* gains,
              std::size_t boundary) override {
    step_values<scalar> values = step;
    for_each_index<Network::size>([&]<std::size_t Index>() {
      const operation& op = Network::program.operations[Index];
      auto& layer = get<Index>(execute.layers);
      if constexpr (requires { layer.learn(execute.backend, op, execute.memory.learn_operands(Index), values); }) {
        if (op.stage >= boundary || !wait_for(Index)) return;
        values.gain = gains + op.stage;
        layer.learn(execute.backend, op, execute.memory.learn_operands(Index), values);
      }
    });
    wait_for_all();
  }

 private:
  struct sum {
    std::size_t operation;
    std::size_t number;
  };

  /// Waits for the sum that an operation has begun. Returns whether there is one.
  bool wait_for(std::size_t operation) {
    const auto found = std::find_if(under_way_.begin(), under_way_.end(),
                                    [operation](const sum& one) { return one.operation == operation; });
    if (found == under_way_.end()) return false;
    wait_for_sum(this->ranks(), found->number);
    under_way_.erase(found);
    return true;
  }
  void wait_for_all() {
    while (!under_way_.empty()) wait_for(under_way_.front().operation);
  }

  int exceptions_ = std::uncaught_exceptions();
  std::vector<sum> under_way_;
};

}  // namespace localis::detail
