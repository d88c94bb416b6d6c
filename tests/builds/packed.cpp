// The inner loops of the kernels that compute all columns of a row alike: each lies in a function of its own, whose
// name states the kernel. packed.sh compiles this file, and packed.awk looks for scalar arithmetic in these loops. The
// extents are known and multiples of any vector register, so that no loop over a remainder is left.
//
// Not here are loops that cannot be packed: those that call the C library (log1p, erfc, pow), that gather
// values, or that add up in one fixed order; loops that only move data; and those that run once per batch and channel.

#include <cstddef>
#include <type_traits>

#include "support/shipped.hpp"

#include <localis/kernel/dropout.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/kernel/junction.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/kernel/patch_norm.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/sample_norm.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/triangle.hpp>
#include <localis/kernel/update.hpp>

namespace localis_test {

namespace kernel = localis::kernel;
namespace rule = localis::rule;

constexpr std::size_t extent = 1024;

/// clang 14 unrolls the 16 parts of kernel::row_split, and the sums of several states, and finds only some of their
/// vectors.
#if defined(__clang__)
constexpr bool packs_parts = false;
#else
constexpr bool packs_parts = true;
#endif

template <class Kernel>
[[gnu::flatten]] void columns(const Kernel& f, std::size_t row) {
  f(row, 0, extent);
}
template <class Kernel, class T>
[[gnu::flatten]] void sums(const Kernel& f, std::size_t row, T* target) {
  f(row, 0, extent, target);
}
/// A kernel that takes whole rows has their extent among its members.
template <class Kernel>
[[gnu::flatten]] auto whole_row(Kernel f, std::size_t row) {
  if constexpr (requires { f.channels; }) f.channels = extent;
  if constexpr (requires { f.columns = {extent}; }) f.columns = {extent};
  if constexpr (requires { f.extents; }) f.extents = {8, 8, extent};
  if constexpr (requires { f.groups; }) f.groups = 1;
  if constexpr (requires { f.power; }) f.power = 1;
  return f(row);
}
template <class Gate, class T>
[[gnu::flatten]] void gates(const Gate& f, std::size_t row, const T* z, T* target) {
  f.open(row, 0, extent, z, target, static_cast<T*>(nullptr));
}
template <class Gate, class T>
[[gnu::flatten]] void gate_sums(const Gate& f, const T* z, const T* g, T* target) {
  f.add(0, extent, z, g, target);
}
template <class Epilogue, class T>
[[gnu::flatten]] void epilogue(Epilogue f, T* row) {
  f.center = nullptr;
  f(row, 0, extent, nullptr, nullptr);
}
template <class Epilogue, class T>
[[gnu::flatten]] void epilogue_moments(const Epilogue& f, T* row, T* target, T* squares) {
  if (f.center != nullptr) f(row, 0, extent, target, squares);
}

/// Has no definition, so that the compiler must keep what is named to it.
template <class... Functions>
void keep(Functions*...);

template <class Function, class... Others>
inline constexpr bool is_one_of = (std::is_same_v<Function, Others> || ...);

template <class T, class Function>
void keep_activation() {
  using epilogue_type = kernel::epilogue<T, Function>;
  if constexpr (!is_one_of<Function, localis::identity_function>) keep(&columns<kernel::activate<T, Function>>);
  keep(&columns<kernel::add<T, Function>>, &columns<kernel::scale_shift<T, Function>>,
       &columns<kernel::scale_shift_add<T, Function>>, &columns<kernel::scale_shift_pool<T, Function>>,
       &sums<kernel::scale_shift_moments<T, Function>, T>, &epilogue<epilogue_type, T>,
       &epilogue_moments<epilogue_type, T>);
}
template <class T, class Function>
void keep_gradient() {
  if constexpr (!is_one_of<Function, localis::identity_function>)
    keep(&columns<kernel::activate_gradient<T, Function>>);
  if constexpr (localis::slope_of_input<Function>) {
    keep(&columns<kernel::normalization_gradient<T, Function>>, &sums<kernel::normalization_sums<T, Function>, T>);
  }
}
/// A type of its own: packed.awk passes over functions of which a name contains `keep`.
template <class Rule>
struct plain_local {
  using rule_type = Rule;
  using bias_type = rule::frozen_bias;
  using signal_type = rule::response_signal;
};
template <class T, class Rule>
void keep_gate() {
  using gate_type = kernel::gate<T, plain_local<Rule>>;
  if constexpr (!rule::gate_is_response<Rule>()) keep(&gates<gate_type, T>);
  if constexpr (rule::states<Rule>() > 1 ? packs_parts : rule::has_forget<Rule> || rule::states<Rule>() > 0) {
    keep(&gate_sums<gate_type, T>);
  }
}

template <class T>
void keep_all() {
  for_each_type(activation_functions{}, []<class Function>(std::type_identity<Function>) {
    using namespace localis;
    if constexpr (!is_one_of<Function, softplus_function, gelu_function>) {
      keep_activation<T, Function>();
    }
    if constexpr (!is_one_of<Function, gelu_function>) keep_gradient<T, Function>();
  });
  for_each_type(rules{}, []<class... Rules>(std::type_identity<types<Rules...>>) { (keep_gate<T, Rules>(), ...); });
  using local = kernel::local_direction<T>;
  for_each_type(optimizers{}, []<class Optimizer>(std::type_identity<Optimizer>) {
    using step = typename Optimizer::template step<T>;
    if constexpr (packs_parts || step::state_arrays > 0) {
      keep(&whole_row<kernel::apply_update<T, kernel::gradient_direction<T>, step, rule::no_constraint>>,
           &whole_row<kernel::apply_update<T, local, step, rule::no_constraint>>);
    }
    if constexpr (packs_parts && localis::optimizer::sees_arrays<Optimizer>) {
      keep(&whole_row<kernel::measure_array<T, kernel::gradient_direction<T>, step>>);
    }
  });
  if constexpr (packs_parts) keep(&whole_row<kernel::relative_factor<T, local>>);
  keep(&whole_row<kernel::peak_factor<T, local>>, &columns<kernel::store_direction<T, local>>,
       &columns<kernel::update_trace<T, local>>, &columns<kernel::subtract_rank_one<T>>);
  keep(&sums<kernel::moments<T>, T>, &epilogue_moments<kernel::epilogue<T, kernel::no_function>, T>,
       &sums<kernel::column_sums<T>, T>);
  keep(&columns<kernel::add_to_rows<T>>, &columns<kernel::scale_rows<T>>, &columns<kernel::multiply<T>>,
       &columns<kernel::sum_products<T>>, &columns<kernel::extract_columns<T>>, &columns<kernel::dropout<T>>);
  keep(&columns<kernel::max_pool<T>>, &columns<kernel::max_pool_gradient<T>>,
       &columns<kernel::max_pool_tile_gradient<T>>, &columns<kernel::average_pool<T>>,
       &columns<kernel::average_pool_gradient<T>>);
  keep(&columns<kernel::channel_statistics<T>>, &columns<kernel::sample_norm<T>>, &columns<kernel::sample_norm_sums<T>>,
       &columns<kernel::sample_norm_gradient<T>>, &columns<kernel::sum_of_samples<T>>,
       &whole_row<kernel::weigh_sums<T>>);
  keep(&whole_row<kernel::position_statistics<T>>, &columns<kernel::patch_norm<T>>,
       &whole_row<kernel::patch_norm_coefficients<T>>);
  keep(&whole_row<kernel::softmax<T>>, &whole_row<kernel::softmax_gradient<T>>, &whole_row<kernel::triangle<T>>,
       &whole_row<kernel::triangle_gradient<T>>);
}

template void keep_all<float>();
template void keep_all<double>();

}  // namespace localis_test
