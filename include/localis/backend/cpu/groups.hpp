#pragma once

#include <cstddef>

#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>

/// Views of the part that belongs to group `g` in rows of units, in rows of inputs and in weights.
namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

template <class T>
matrix_view<const T> group_units(const linear_map& map, std::size_t g, const matrix_view<const T>& all) {
  const std::size_t units = map.outputs() / map.groups;
  return {all.data + g * units, all.rows, units, all.stride};
}
template <class T>
matrix_view<const T> group_inputs(const linear_map& map, std::size_t g, const matrix_view<const T>& all) {
  return {all.data + g * map.inputs(), all.rows, map.inputs(), all.stride};
}
template <class T>
matrix_view<T> group_weights(const linear_map& map, std::size_t g, T* w) {
  return rows_of(w + g * map.weights() / map.groups, map.outputs() / map.groups, map.inputs());
}

/// Computes u = X W^T for some rows of X, group by group, on the calling thread.
template <class T>
void grouped_response(const linear_map& map, const matrix_view<const T>& x, const T* w, T* u,
                      precision operands = precision::float32) {
  const std::size_t units = map.outputs() / map.groups;
  for (std::size_t g = 0; g < map.groups; ++g) {
    multiply_abt<T>(group_inputs(map, g, x), group_weights(map, g, w), {u + g * units, x.rows, units, map.outputs()},
                    kernel::store::replace, operands);
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
