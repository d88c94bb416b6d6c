// The kernels of a step that move most of its bytes, one entry each, for compile.sh --table: what one call computes,
// without the loop over calls.

#include <cstddef>
#include <cstdint>

#include <localis/backend/cuda/backend.cuh>
#include <localis/kernel/column_blocks.hpp>
#include <localis/kernel/depthwise.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/loss.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/kernel/softmax.hpp>
#include <localis/kernel/unfold.hpp>
#include <localis/kernel/update.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/math/activation.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/soft_hebb.hpp>

namespace lo = localis;
namespace k = localis::kernel;
using lo::relu_function;
using T = float;

/// `Elements`: how many a call computes.
template <int Elements, class F>
__global__ void call(const F f) {
  f(std::size_t{blockIdx.x} * blockDim.x + threadIdx.x);
}
template <class Kernel>
using one = k::cut_elements<Kernel>;
template <class Kernel>
using pack = k::cut_packs<Kernel, 1>;
template <class Kernel>
using four = k::cut_packs<Kernel, 4>;
template <class Kernel>
using sums = k::one_reduction<k::column_blocks<T, Kernel>>;

template __global__ void call<4>(four<k::unfold_rows<T, T>>);
template __global__ void call<1>(pack<k::unfold_rows<T, T>>);
template __global__ void call<4>(four<k::fold_rows<T>>);
template __global__ void call<1>(pack<k::fold_rows<T>>);
template __global__ void call<4>(four<k::max_pool<T>>);
template __global__ void call<1>(one<k::by_position<k::max_pool_gradient<T>>>);
template __global__ void call<1>(one<k::by_position<k::average_pool_gradient<T>>>);
template __global__ void call<1>(one<k::depthwise_response<T>>);
template __global__ void call<1>(one<k::depthwise_input_gradient<T>>);
template __global__ void call<4>(four<k::scale_shift<T, relu_function>>);
template __global__ void call<4>(four<k::scale_shift_add<T, relu_function>>);
template __global__ void call<4>(four<k::normalization_gradient<T, relu_function>>);
template __global__ void call<4>(four<k::add<T, relu_function>>);
template __global__ void call<4>(four<k::activate_gradient<T, relu_function>>);

using lo::cuda::detail::run_teams;
template __global__ void run_teams(k::softmax<T>, std::size_t, std::uint32_t);
template __global__ void run_teams(k::open_rows<T, k::gate<T, lo::rule::local<lo::rule::soft_hebb>>>, std::size_t,
                                   std::uint32_t);
template __global__ void run_teams(k::constrain<T, lo::rule::unit_rows>, std::size_t, std::uint32_t);

using lo::cuda::detail::run_blocks;
template __global__ void run_blocks(
    k::one_reduction<k::reduction_blocks<k::sample_losses<T, lo::loss::softmax_cross_entropy>>>);
template __global__ void run_blocks(sums<k::column_sums<T>>);
template __global__ void run_blocks(sums<k::followed_by<k::moments<T>, k::finish_moments<T>>>);
template __global__ void run_blocks(
    sums<k::followed_by<k::normalization_sums<T, relu_function>, k::normalization_parameters<T>>>);
template __global__ void run_blocks(sums<k::epilogue_rows<T, k::epilogue<T, relu_function, k::finish_moments<T>>>>);
template __global__ void run_blocks(
    sums<k::epilogue_and_gate_sums<T, k::epilogue<T, relu_function, k::finish_moments<T>>,
                                   k::gate<T, lo::rule::local<lo::rule::oja>>>>);
template __global__ void run_blocks(sums<k::gate_sums<T, k::gate<T, lo::rule::local<lo::rule::oja>>>>);
template __global__ void run_blocks(sums<k::depthwise_products<T>>);
using update = k::apply_update<T, k::gradient_direction<T>, lo::optimizer::sgd::step<T>, lo::rule::no_constraint>;
template __global__ void run_blocks(k::several_reductions<k::reduction_blocks<update>>);
using local_update =
    k::apply_update<T, k::guarded_direction<T>, lo::optimizer::plain::step<T>, lo::rule::no_constraint>;
template __global__ void run_blocks(k::one_reduction<k::reduction_blocks<local_update>>);
template __global__ void run_blocks(
    k::one_reduction<k::reduction_blocks<k::relative_factor<T, k::local_direction<T>>>>);
