#pragma once

#include <doctest/doctest.h>

#include <localis/check/layer.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv1d.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/elu.hpp>
#include <localis/layer/gelu.hpp>
#include <localis/layer/group_norm.hpp>
#include <localis/layer/hard_swish.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/layer_norm.hpp>
#include <localis/layer/leaky_relu.hpp>
#include <localis/layer/patch_norm.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/pool1d.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/sigmoid.hpp>
#include <localis/layer/silu.hpp>
#include <localis/layer/softmax.hpp>
#include <localis/layer/softplus.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/layer/triangle.hpp>

/// The gradients of every layer by finite differences, on one backend in double.
namespace localis_test {

namespace lo = localis;

template <class Layer, class Input, class Backend, class... Configure>
void check_gradient(const Configure&... configure) {
  const localis::check::result found = localis::check::layer<Layer, Input, Backend>(configure...);
  CHECK_MESSAGE(found.passed, found);
  CHECK(found.deviation < 1e-7);
}

template <class Backend>
void check_linear_gradients() {
  check_gradient<lo::dense<4>, lo::vector_input<7>, Backend>();
  check_gradient<lo::dense<4, lo::no_bias>, lo::image<3, 2, 2>, Backend>();
  check_gradient<lo::conv2d<3, 1>, lo::image<4, 3, 2>, Backend>();
  check_gradient<lo::conv2d<3, 1, lo::stride<2>, lo::no_bias>, lo::image<5, 4, 2>, Backend>();
  check_gradient<lo::conv2d<2, 2>, lo::image<4, 5, 3>, Backend>();
  check_gradient<lo::conv2d<2, 2, lo::stride<2>, lo::padding<1>>, lo::image<4, 5, 2>, Backend>();
  check_gradient<lo::conv2d<3, 3, lo::padding<1>>, lo::image<4, 6, 2>, Backend>();
  check_gradient<lo::conv2d<3, 3, lo::stride<2>, lo::padding<1>, lo::no_bias>, lo::image<6, 5, 2>, Backend>();
  // Pixels that no window sees.
  check_gradient<lo::conv2d<2, 3, lo::stride<3>>, lo::image<7, 4, 1>, Backend>();
  // A kernel larger than the image.
  check_gradient<lo::conv2d<2, 5, lo::padding<2>>, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::conv2d<2, 3, lo::dilation<2>, lo::padding<2>>, lo::image<5, 6, 2>, Backend>();
  check_gradient<lo::conv2d<2, 2, lo::dilation<3>, lo::stride<2>>, lo::image<6, 5, 1>, Backend>();
  check_gradient<lo::conv2d<6, 3, lo::groups<2>, lo::padding<1>>, lo::image<4, 3, 4>, Backend>();
  check_gradient<lo::conv2d<6, 1, lo::groups<3>, lo::no_bias>, lo::image<3, 3, 3>, Backend>();
  check_gradient<lo::conv2d<4, 2, lo::groups<2>, lo::dilation<2>, lo::stride<2>>, lo::image<5, 4, 2>, Backend>();
  check_gradient<lo::depthwise_conv2d<3, lo::dilation<2>, lo::padding<2>>, lo::image<4, 5, 3>, Backend>();
  // A length of its own along each axis.
  check_gradient<lo::conv2d<3, lo::kernel_size<1, 5>, lo::padding<0, 2>>, lo::image<3, 6, 2>, Backend>();
  check_gradient<lo::conv2d<2, lo::kernel_size<3, 2>, lo::stride<2, 1>, lo::dilation<1, 2>, lo::padding<1, 0>>,
                 lo::image<6, 5, 2>, Backend>();
  check_gradient<lo::depthwise_conv2d<lo::kernel_size<3, 2>, lo::stride<1, 2>, lo::padding<0, 1>>, lo::image<5, 6, 3>,
                 Backend>();
  check_gradient<lo::conv1d<3, 5, lo::stride<2>, lo::padding<2>, lo::groups<1>>, lo::signal_input<9, 2>, Backend>();
  check_gradient<lo::conv1d<2, 3, lo::dilation<2>, lo::no_bias>, lo::signal_input<8, 3>, Backend>();
  // Windows of padding alone.
  check_gradient<lo::conv2d<1, 3, lo::padding<4>, lo::stride<2>>, lo::image<2, 3, 2>, Backend>();
}

template <class Backend>
void check_block_gradients() {
  using input = lo::image<4, 4, 2>;
  check_gradient<lo::residual<lo::conv2d<2, 3, lo::padding<1>>, lo::relu, lo::conv2d<2, 3, lo::padding<1>>>, input,
                 Backend>();
  // In place, before the sum reads it.
  check_gradient<lo::residual<lo::relu, lo::conv2d<2, 1>>, input, Backend>();
  check_gradient<lo::residual<lo::tanh>, input, Backend>();
  check_gradient<lo::residual<lo::shortcut<lo::conv2d<3, 1, lo::stride<2>>, lo::batch_norm>,
                              lo::conv2d<3, 3, lo::stride<2>, lo::padding<1>>, lo::batch_norm, lo::tanh>,
                 input, Backend>();
  // The normalization's pass performs the sum.
  check_gradient<lo::sequence<lo::residual<lo::conv2d<2, 3, lo::padding<1>>, lo::batch_norm>, lo::tanh>, input,
                 Backend>();
  check_gradient<lo::sequence<lo::residual<lo::shortcut<lo::conv2d<3, 1, lo::stride<2>>, lo::batch_norm>,
                                           lo::conv2d<3, 3, lo::stride<2>, lo::padding<1>>, lo::batch_norm>,
                              lo::tanh>,
                 input, Backend>();
  // The shortcut still reads the gradient that each of these could overwrite.
  check_gradient<
      lo::sequence<lo::residual<lo::batch_norm>, lo::residual<lo::conv2d<2, 1>, lo::softmax>,
                   lo::residual<lo::triangle>, lo::residual<lo::layer_norm>, lo::residual<lo::group_norm<2>>,
                   lo::residual<lo::conv2d<2, 3, lo::padding<1>>, lo::patch_norm<3>>, lo::residual<lo::dropout>,
                   lo::residual<lo::depthwise_conv2d<3, lo::padding<1>>, lo::leaky_relu>>,
      input, Backend>();
  check_gradient<lo::block<lo::conv2d<3, 3, lo::padding<1>>, lo::relu, lo::conv2d<2, 1>, lo::tanh>, input, Backend>();
  check_gradient<lo::sequence<lo::conv2d<3, 1>, lo::tanh, lo::residual<lo::sequence<lo::conv2d<3, 1>, lo::tanh>>>,
                 input, Backend>();
  check_gradient<lo::residual<lo::shortcut<lo::leaky_relu, lo::conv2d<3, 2>>, lo::conv2d<3, 2>, lo::relu>, input,
                 Backend>();
}

/// A squeeze-excite over two channels.
using excited =
    lo::multiplied<lo::branch<>, lo::branch<lo::global_average_pool, lo::dense<3>, lo::tanh, lo::dense<2>, lo::tanh>>;

template <class Backend>
void check_junction_gradients() {
  using input = lo::image<4, 3, 2>;
  using wide = lo::conv2d<3, 3, lo::padding<1>>;
  using same = lo::conv2d<2, 1>;
  check_gradient<lo::concatenated<lo::branch<wide, lo::relu>, lo::branch<same>, lo::branch<lo::tanh, lo::conv2d<1, 1>>>,
                 input, Backend>();
  check_gradient<lo::concatenated<lo::branch<>, lo::branch<lo::batch_norm, lo::relu, wide>>, input, Backend>();
  // The input goes to the concatenation last, in the middle, and twice.
  check_gradient<lo::concatenated<lo::branch<wide>, lo::branch<>, lo::branch<>,
                                  lo::branch<lo::max_pool2d<3, lo::stride<1>, lo::padding<1>>>>,
                 input, Backend>();
  // A dense block.
  check_gradient<
      lo::sequence<lo::concatenated<lo::branch<>, lo::branch<lo::batch_norm, lo::tanh, wide>>,
                   lo::concatenated<lo::branch<>, lo::branch<lo::batch_norm, lo::tanh, wide>>,
                   lo::concatenated<lo::branch<>, lo::branch<lo::layer_norm, wide, lo::tanh>>, lo::average_pool2d<2>>,
      input, Backend>();
  check_gradient<lo::added<lo::branch<same>, lo::branch<wide, same>, lo::branch<lo::tanh>, lo::branch<>>, input,
                 Backend>();
  check_gradient<lo::added<lo::branch<>, lo::branch<>, lo::branch<lo::batch_norm>>, input, Backend>();
  check_gradient<lo::sequence<lo::added<lo::branch<same, lo::batch_norm>, lo::branch<lo::tanh, same, lo::batch_norm>,
                                        lo::branch<same, lo::batch_norm>>,
                              lo::relu>,
                 input, Backend>();
  check_gradient<lo::multiplied<lo::branch<wide>, lo::branch<lo::conv2d<3, 1>, lo::tanh>>, input, Backend>();
  check_gradient<lo::multiplied<lo::branch<>, lo::branch<>>, input, Backend>();
  check_gradient<lo::multiplied<lo::branch<lo::tanh>, lo::branch<>>, lo::vector_input<5>, Backend>();
  check_gradient<excited, input, Backend>();
  // Blocks within each other. The outer sum still reads the gradient that the inner one could overwrite.
  check_gradient<lo::residual<same, lo::batch_norm, lo::tanh, excited, same, lo::batch_norm>, input, Backend>();
  check_gradient<lo::residual<lo::residual<same>>, input, Backend>();
  check_gradient<lo::residual<lo::residual<same, lo::batch_norm>>, input, Backend>();
  check_gradient<lo::residual<lo::residual<same, lo::batch_norm>, lo::relu>, input, Backend>();
  check_gradient<lo::residual<lo::shortcut<lo::residual<lo::tanh, same>, lo::leaky_relu>,
                              lo::residual<lo::residual<same>, lo::relu>>,
                 input, Backend>();
  check_gradient<lo::residual<lo::block<same, lo::block<lo::tanh>>>, input, Backend>();
  check_gradient<lo::residual<excited>, input, Backend>();
  check_gradient<lo::residual<lo::concatenated<lo::branch<lo::conv2d<1, 1>>, lo::branch<lo::conv2d<1, 1>, lo::tanh>>>,
                 input, Backend>();
  check_gradient<lo::concatenated<lo::branch<lo::concatenated<lo::branch<same>, lo::branch<wide>>, lo::tanh>,
                                  lo::branch<lo::concatenated<lo::branch<>, lo::branch<same>>>, lo::branch<excited>,
                                  lo::branch<lo::residual<same>>>,
                 input, Backend>();
  check_gradient<
      lo::multiplied<lo::branch<lo::residual<same>>, lo::branch<lo::multiplied<lo::branch<same>, lo::branch<>>>>, input,
      Backend>();
}

template <class Backend>
void check_other_gradients() {
  check_gradient<lo::batch_norm, lo::image<3, 4, 3>, Backend>();
  check_gradient<lo::batch_norm, lo::vector_input<5>, Backend>();
  check_gradient<lo::relu, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::leaky_relu, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::leaky_relu, lo::vector_input<9>, Backend>([](auto& layer) { layer.function.leak = 0.3; });
  check_gradient<lo::tanh, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::sigmoid, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::softplus, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::elu, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::elu, lo::vector_input<9>, Backend>([](auto& layer) { layer.function.alpha = 0.3; });
  check_gradient<lo::silu, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::gelu, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::hard_swish, lo::image<3, 4, 2>, Backend>();
  // Those that read their input, behind layers that run others in their own passes, and in a block.
  check_gradient<lo::sequence<lo::batch_norm, lo::gelu, lo::batch_norm, lo::silu>, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::sequence<lo::residual<lo::gelu>, lo::silu, lo::hard_swish, lo::gelu>, lo::image<3, 4, 2>,
                 Backend>();
  check_gradient<lo::max_pool2d<2>, lo::image<4, 6, 3>, Backend>();
  // A rest that no window sees.
  check_gradient<lo::max_pool2d<2>, lo::image<5, 3, 2>, Backend>();
  check_gradient<lo::max_pool2d<3, lo::stride<2>, lo::padding<1>>, lo::image<5, 6, 2>, Backend>();
  check_gradient<lo::max_pool2d<3, lo::stride<1>>, lo::image<4, 5, 2>, Backend>();
  check_gradient<lo::max_pool2d<3, lo::stride<2>, lo::ceil_mode>, lo::image<4, 6, 2>, Backend>();
  check_gradient<lo::max_pool2d<2, lo::ceil_mode>, lo::image<5, 3, 2>, Backend>();
  // More channels than the kernel's block.
  check_gradient<lo::max_pool2d<2, lo::stride<3>>, lo::image<5, 5, 70>, Backend>();
  check_gradient<lo::average_pool2d<2>, lo::image<4, 6, 3>, Backend>();
  check_gradient<lo::average_pool2d<3, lo::stride<2>, lo::padding<1>>, lo::image<5, 6, 2>, Backend>();
  // A length of its own along each axis; the first of these tile the image.
  check_gradient<lo::max_pool2d<lo::kernel_size<1, 3>>, lo::image<4, 6, 3>, Backend>();
  check_gradient<lo::max_pool2d<lo::kernel_size<3, 2>, lo::stride<1, 2>, lo::padding<1, 0>>, lo::image<5, 6, 2>,
                 Backend>();
  check_gradient<lo::average_pool2d<lo::kernel_size<1, 4>, lo::stride<2, 1>, lo::padding<0, 2>>, lo::image<5, 6, 2>,
                 Backend>();
  check_gradient<lo::max_pool1d<2>, lo::signal_input<8, 3>, Backend>();
  check_gradient<lo::max_pool1d<3, lo::stride<2>, lo::padding<1>>, lo::signal_input<8, 3>, Backend>();
  check_gradient<lo::average_pool1d<3, lo::stride<2>, lo::padding<1>>, lo::signal_input<8, 3>, Backend>();
  check_gradient<lo::global_average_pool, lo::image<3, 5, 4>, Backend>();
  check_gradient<lo::relu6, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::softmax, lo::image<2, 3, 4>, Backend>();
  check_gradient<lo::softmax, lo::vector_input<6>, Backend>([](auto& layer) { layer.sharpness = 2.5; });
  check_gradient<lo::triangle, lo::image<2, 3, 5>, Backend>();
  check_gradient<lo::triangle, lo::image<2, 2, 4>, Backend>([](auto& layer) { layer.power = 2; });
  check_gradient<lo::layer_norm, lo::image<3, 4, 3>, Backend>();
  check_gradient<lo::layer_norm, lo::vector_input<5>, Backend>([](auto& layer) { layer.epsilon = 0.1; });
  check_gradient<lo::group_norm<2>, lo::image<3, 4, 6>, Backend>();
  check_gradient<lo::group_norm<3>, lo::vector_input<12>, Backend>([](auto& layer) { layer.epsilon = 0.1; });
  check_gradient<lo::group_norm<1>, lo::image<3, 4, 3>, Backend>();
  check_gradient<lo::group_norm<3>, lo::image<3, 4, 3>, Backend>();
  check_gradient<lo::instance_norm, lo::image<3, 4, 3>, Backend>();
  check_gradient<lo::affine_instance_norm, lo::image<3, 4, 3>, Backend>();
  check_gradient<lo::patch_norm<3>, lo::image<4, 5, 2>, Backend>();
  check_gradient<lo::patch_norm<5>, lo::image<3, 4, 1>, Backend>([](auto& layer) { layer.epsilon = 0.1; });
  check_gradient<lo::patch_norm<1>, lo::image<2, 3, 4>, Backend>();
  // Each pass is step 0: one mask.
  check_gradient<lo::dropout, lo::image<3, 4, 2>, Backend>();
  check_gradient<lo::dropout, lo::image<3, 4, 2>, Backend>([](auto& layer) { layer.rate = 0.8; });
}

}  // namespace localis_test
