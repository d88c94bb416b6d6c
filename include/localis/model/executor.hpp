#pragma once

#include <cstddef>

#include <localis/core/operation.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/math/activation.hpp>
#include <localis/model/fusion.hpp>
#include <localis/model/layer_pack.hpp>
#include <localis/model/pass_memory.hpp>

namespace localis::detail {

/// Interprets the flat program of a network: it runs one operation on the backend, together with the operations that
/// are fused into it. An operation that is fused into another does nothing when its own turn comes.
template <class Network, class Backend>
struct executor {
  using scalar = typename Backend::scalar;
  using facts = fusion_facts<Network, Backend>;

  Backend& backend;
  layer_pack<Network, Backend>& layers;
  const pass_memory<Network, scalar>& memory;

  template <std::size_t Index>
  void forward(mode run_mode, const step_values<scalar>& values) const {
    if constexpr (!Network::program.operations[Index].fused_into_previous) {
      constexpr std::size_t last = facts::last_fused_by(Index);
      const operation& op = Network::program.operations[Index];
      if (op.is_epilogue && memory.offsets(Index).fused_by != operation_bytes::unfused) return;
      if constexpr (facts::last_in_epilogue(Index) > Index) {
        if (memory.offsets(Index + 1).fused_by == Index) return forward_with_epilogue<Index>(run_mode, values);
        if (run_mode == mode::train && !memory.is_part) return forward_with_moments<Index>(values);
      }
      if constexpr (pools<Index>) {
        if (run_mode == mode::train) return forward_with_pooling<Index>(values);
      }
      if constexpr (constexpr std::size_t norm = facts::normalization_pooled_by(Index); pools<norm>) {
        if (run_mode == mode::train) return;
      }
      if constexpr (adds<Index>) {
        if (adds_now<Index>(run_mode, values)) return forward_with_sum<Index>(run_mode, values);
      }
      if constexpr (constexpr std::size_t norm = facts::normalization_before(Index); adds<norm>) {
        if (adds_now<norm>(run_mode, values)) return;
      }
      operands<scalar> arrays = memory.forward_operands(Index, last);
      if constexpr (last > Index) {
        get<Index>(layers).forward(backend, op, arrays, run_mode, values, get<last>(layers).function);
      } else {
        get<Index>(layers).forward(backend, op, arrays, run_mode, values);
      }
    }
  }

  template <std::size_t Index>
  void backward() const {
    if constexpr (!Network::program.operations[Index].fused_into_previous) {
      constexpr std::size_t last = facts::last_fused_by(Index);
      const operation& op = Network::program.operations[Index];
      operands<scalar> arrays = memory.backward_operands(Index, last);
      if constexpr (last > Index) {
        get<Index>(layers).backward(backend, op, arrays, get<last>(layers).function);
      } else {
        get<Index>(layers).backward(backend, op, arrays);
      }
    }
  }

 private:
  /// A loop of a normalization's pass: kernel::scale_shift and what else is computed in it.
  struct any_loop {
    template <class Kernel>
    void operator()(Backend&, const Kernel&, std::size_t) const {}
  };
  /// Whether the pass of normalization `Index` may run another loop than its own.
  template <std::size_t Index>
  static constexpr bool takes_loops = requires(layer_type<Network, Backend, Index>& norm, Backend& b,
                                               const operation& op, const operands<scalar>& arrays,
                                               const step_values<scalar>& values) {
    norm.forward(b, op, arrays, mode::train, values, identity_function{}, any_loop{});
    norm.present(mode::train, values.normalization);
  };
  /// Whether the pass of normalization `Index` performs the pooling after it, if it saves values for backward.
  template <std::size_t Index>
  static constexpr bool pools = [] {
    if constexpr (Index < Network::size && facts::pooling_after(Index) < Network::size) return takes_loops<Index>;
    return false;
  }();
  /// Whether the pass of normalization `Index` may perform the sum of a residual block after it.
  template <std::size_t Index>
  static constexpr bool adds = [] {
    if constexpr (Index < Network::size && facts::sum_after(Index) < Network::size) return takes_loops<Index>;
    return false;
  }();
  /// Whether it does so in this pass: it takes the statistics of the batch, and the sum replaces one of its operands,
  /// whose place is there by then.
  template <std::size_t Index>
  [[nodiscard]] bool adds_now(mode run_mode, const step_values<scalar>& values) const {
    constexpr std::size_t sum = facts::sum_after(Index);
    const std::size_t operand = memory.arena_plan->value(Network::program.operations[sum].input);
    return memory.offsets(Index).fused_by == operation_bytes::unfused &&
           !layer_type<Network, Backend, Index>::present(run_mode, values.normalization) && operand != plan::none &&
           memory.offsets(facts::last_fused_by(sum)).output == operand;
  }
  /// Runs normalization `Index` with the sum and the activation after it.
  template <std::size_t Index>
  void forward_with_sum(mode run_mode, const step_values<scalar>& values) const {
    constexpr std::size_t sum = facts::sum_after(Index);
    constexpr std::size_t last = facts::last_fused_by(sum);
    const operation& op = Network::program.operations[Index];
    const operation& add = Network::program.operations[sum];
    const operands<scalar> arrays = memory.forward_operands(Index, last);
    const scalar* addend = memory.value(add.skip == op.output ? add.input : add.skip);
    const auto run = [&]<class Function>(const Function& function) {
      get<Index>(layers).forward(
          backend, op, arrays, run_mode, values, function, [addend](Backend& b, const auto& apply, std::size_t rows) {
            b.for_rows(rows, apply.channels, kernel::scale_shift_add<scalar, Function>{apply, addend});
          });
    };
    if constexpr (last > sum) {
      run(get<last>(layers).function);
    } else {
      run(identity_function{});
    }
  }
  /// Runs normalization `Index` with the activation and the pooling after it.
  template <std::size_t Index>
  void forward_with_pooling(const step_values<scalar>& values) const {
    constexpr std::size_t last = facts::last_fused_by(Index);
    constexpr std::size_t pooling = facts::pooling_after(Index);
    const operation& op = Network::program.operations[Index];
    const operands<scalar> arrays = memory.forward_operands(Index, last);
    scalar* pooled = memory.forward_operands(pooling, pooling).output;
    const auto run = [&]<class Function>(const Function& function) {
      get<Index>(layers).forward(backend, op, arrays, mode::train, values, function,
                                 [pooled, samples = memory.samples](Backend& b, const auto& apply, std::size_t) {
                                   const linear_map map = Network::program.operations[pooling].map();
                                   b.for_rows(
                                       map.rows(samples), apply.channels,
                                       kernel::scale_shift_pool<scalar, Function>{apply, {map, apply.y, pooled}});
                                 });
    };
    if constexpr (last > Index) {
      run(get<last>(layers).function);
    } else {
      run(identity_function{});
    }
  }
  /// Runs trainable operation `Index`, and takes the moments that the normalization after it needs.
  template <std::size_t Index>
  void forward_with_moments(const step_values<scalar>& values) const {
    const auto& normalization = get<Index + 1>(layers);
    const operation& norm = Network::program.operations[Index + 1];
    const operands<scalar> arrays = memory.forward_operands(Index + 1, Index + 1);
    const auto moments = normalization.make_moments(norm, arrays, values);
    get<Index>(layers).forward(backend, Network::program.operations[Index], memory.forward_operands(Index, Index),
                               mode::train, values, moments);
    normalization.finish_ranks(backend, norm, arrays, moments.moments, moments.at_end);
  }
  /// Runs trainable operation `Index` with the normalization, the activation and the pooling after it.
  template <std::size_t Index>
  void forward_with_epilogue(mode run_mode, const step_values<scalar>& values) const {
    const operation& op = Network::program.operations[Index];
    const operation& norm = Network::program.operations[Index + 1];
    auto& normalization = get<Index + 1>(layers);
    const operands<scalar> own = memory.forward_operands(Index + 1, Index + 1);
    operands<scalar> arrays = memory.forward_operands(Index, facts::last_in_epilogue(Index));
    const auto run = [&](const auto& function) {
      const auto epilogue =
          normalization.make_epilogue(backend, norm, own, run_mode, values, function, facts::pooled_side(Index));
      get<Index>(layers).forward(backend, op, arrays, run_mode, values, epilogue);
      if (epilogue.center != nullptr) {
        normalization.finish_ranks(backend, norm, own, epilogue.moments, epilogue.at_end);
      }
    };
    if constexpr (facts::last_fused_by(Index + 1) > Index + 1) {
      run(get<Index + 2>(layers).function);
    } else {
      run(identity_function{});
    }
  }
};

}  // namespace localis::detail
