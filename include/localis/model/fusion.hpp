#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <localis/core/operation.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/model/layer_pack.hpp>

namespace localis::detail {

/// States which operations of a network run in the pass of another operation on a backend, and which operations end a
/// stage. All of this is known at compile time.
template <class Network, class Backend>
struct fusion_facts {
  static constexpr std::size_t size = Network::size;
  static constexpr const auto& operations = Network::program.operations;

  /// Whether operation i is the last of its stage.
  static constexpr bool ends_stage(std::size_t i) {
    return i + 1 == size || operations[i + 1].stage != operations[i].stage;
  }
  /// The last operation of a stage.
  static constexpr const operation& last_of_stage(std::size_t stage) {
    std::size_t i = size - 1;
    while (operations[i].stage != stage) --i;
    return operations[i];
  }

  /// The last of the operations that every pass of operation i performs: operation i itself, or the activation after
  /// it.
  static constexpr std::size_t last_fused_by(std::size_t i) {
    return i + 1 < size && operations[i + 1].fused_into_previous ? i + 1 : i;
  }
  /// The sum of a residual block that the forward pass of normalization i may perform: the next operation but for
  /// junctions that pass values on. `size` if there is none.
  static constexpr std::size_t sum_after(std::size_t i) {
    if (operations[i].kind != operation_kind::normalization) return size;
    std::size_t next = i + 1;
    if (next < size && operations[next].kind == operation_kind::shortcut) ++next;
    return next < size && operations[next].kind == operation_kind::add ? next : size;
  }
  /// The normalization whose pass may perform sum i, or `size`.
  static constexpr std::size_t normalization_before(std::size_t i) {
    if (operations[i].kind != operation_kind::add) return size;
    std::size_t norm = i - 1;
    if (operations[norm].kind == operation_kind::shortcut) --norm;
    return sum_after(norm) == i ? norm : size;
  }
  /// The pooling that the forward pass of normalization i performs if values are saved for a backward pass: the next
  /// operation but for an activation. `size` if there is none.
  static constexpr std::size_t pooling_after(std::size_t i) {
    if (operations[i].kind != operation_kind::normalization || !operations[i].is_epilogue) return size;
    const std::size_t next = last_fused_by(i) + 1;
    const bool pools = next < size && operations[next].kind == operation_kind::pooling && operations[next].is_epilogue;
    return pools && kernel::windows_tile(operations[next].map()) ? next : size;
  }
  /// The normalization whose pass performs pooling i, or `size`.
  static constexpr std::size_t normalization_pooled_by(std::size_t i) {
    if (operations[i].kind != operation_kind::pooling || i < 2) return size;
    const std::size_t norm = operations[i - 1].fused_into_previous ? i - 2 : i - 1;
    return pooling_after(norm) == i ? norm : size;
  }
  /// The last of the operations that the forward pass of operation i may perform if nothing is saved for a backward
  /// pass: operation i itself or, if it is trainable, the normalization, activation and pooling after it.
  static constexpr std::size_t last_in_epilogue(std::size_t i) {
    std::size_t last = i;
    while (operations[i].trainable() && last + 1 < size && operations[last + 1].is_epilogue &&
           (operations[last + 1].kind != operation_kind::pooling || pools(i))) {
      ++last;
    }
    return last;
  }
  /// The side of the squares that are pooled in the epilogue of operation i, or 1.
  static constexpr std::size_t pooled_side(std::size_t i) {
    const operation& last = operations[last_in_epilogue(i)];
    return last.kind == operation_kind::pooling ? last.field.height : 1;
  }

 private:
  /// Whether a layer may store only the pooled values of its response.
  template <std::size_t Index>
  static constexpr bool layer_pools() {
    using layer = layer_type<Network, Backend, Index>;
    if constexpr (requires { layer::pools; }) {
      return layer::pools;
    } else {
      return false;
    }
  }
  static constexpr auto layers_pool = []<std::size_t... Is>(std::index_sequence<Is...>) {
    return std::array<bool, size>{layer_pools<Is>()...};
  }
  (std::make_index_sequence<size>{});

  static constexpr bool pools(std::size_t i) { return Backend::pools(operations[i].map()) && layers_pool[i]; }
};

}  // namespace localis::detail
