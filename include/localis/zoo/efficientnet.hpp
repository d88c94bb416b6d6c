#pragma once

#include <cstddef>
#include <type_traits>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/sigmoid.hpp>
#include <localis/layer/silu.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

/// Squeeze-excite: each channel is multiplied by a number between 0 and 1 that depends on the means of all channels.
template <std::size_t Channels, std::size_t Squeezed, class Rule>
using squeeze_excite =
    multiplied<branch<>,
               branch<global_average_pool, conv2d<Squeezed, 1, Rule>, silu, conv2d<Channels, 1, Rule>, sigmoid>>;

/// A depthwise convolution and squeeze-excite, then a 1 x 1 convolution without an activation after it.
template <std::size_t Channels, std::size_t Squeezed, std::size_t Out, std::size_t Kernel, std::size_t Stride,
          class Rule, class DepthwiseRule>
using excited_separable =
    sequence<depthwise_conv2d<Kernel, stride<Stride>, padding<Kernel / 2>, no_bias, DepthwiseRule>, batch_norm, silu,
             squeeze_excite<Channels, Squeezed, Rule>, conv2d<Out, 1, no_bias, Rule>, batch_norm>;

/// A 1 x 1 convolution to six times the channels, followed by an excited separable convolution, which squeezes to a
/// quarter of the input's channels.
template <std::size_t In, std::size_t Out, std::size_t Kernel, std::size_t Stride, class Rule, class DepthwiseRule>
using mbconv_main = sequence<conv2d<6 * In, 1, no_bias, Rule>, batch_norm, silu,
                             excited_separable<6 * In, In / 4, Out, Kernel, Stride, Rule, DepthwiseRule>>;

/// A mobile inverted bottleneck; the input is added if the extents are equal.
template <std::size_t In, std::size_t Out, std::size_t Kernel, std::size_t Stride, class Rule, class DepthwiseRule>
using mbconv =
    std::conditional_t<Stride == 1 && In == Out, residual<mbconv_main<In, Out, Kernel, Stride, Rule, DepthwiseRule>>,
                       block<mbconv_main<In, Out, Kernel, Stride, Rule, DepthwiseRule>>>;

template <std::size_t Count, std::size_t In, std::size_t Out, std::size_t Kernel, std::size_t Stride, class Rule,
          class DepthwiseRule>
using mbconv_group = sequence<mbconv<In, Out, Kernel, Stride, Rule, DepthwiseRule>,
                              repeat<Count - 1, mbconv<Out, Out, Kernel, 1, Rule, DepthwiseRule>>>;

/// All layers between input and classifier, for given strides of the first convolution and of the second group.
template <class Rule, class DepthwiseRule, std::size_t First, std::size_t Second>
using efficientnet_b0_features =
    sequence<conv2d<32, 3, stride<First>, padding<1>, no_bias, Rule>, batch_norm, silu,
             block<excited_separable<32, 8, 16, 3, 1, Rule, DepthwiseRule>>,
             mbconv_group<2, 16, 24, 3, Second, Rule, DepthwiseRule>,
             mbconv_group<2, 24, 40, 5, 2, Rule, DepthwiseRule>, mbconv_group<3, 40, 80, 3, 2, Rule, DepthwiseRule>,
             mbconv_group<3, 80, 112, 5, 1, Rule, DepthwiseRule>, mbconv_group<4, 112, 192, 5, 2, Rule, DepthwiseRule>,
             mbconv_group<1, 192, 320, 3, 1, Rule, DepthwiseRule>, conv2d<1280, 1, no_bias, Rule>, batch_norm, silu,
             global_average_pool, dropout>;

}  // namespace detail

/// EfficientNet-B0 for 224 x 224 colour pictures (torchvision's efficientnet_b0). Each mobile inverted bottleneck with
/// its squeeze-excite is a stage, whether it has a sum or not; 19 stages.
///
/// `DepthwiseRule` is the rule of the depthwise layers, whose units cannot compete. The dropout rate is 0.5 by default;
/// the paper uses 0.2. Stochastic depth, which leaves out blocks at random in training, is not part of the network.
/// Source: M. Tan, Q. V. Le, ICML 2019, arXiv 1905.11946.
template <std::size_t Classes = 1000, class Rule = rule::gradient, class DepthwiseRule = Rule>
using efficientnet_b0 =
    network<image<224, 224, 3>, detail::efficientnet_b0_features<Rule, DepthwiseRule, 2, 2>, dense<Classes>>;

/// EfficientNet-B0 for 32 x 32 colour pictures: its first convolution and its second group have no stride, so that
/// 4 x 4 positions are left.
template <std::size_t Classes = 10, class Rule = rule::gradient, class DepthwiseRule = Rule>
using efficientnet_b0_32 =
    network<image<32, 32, 3>, detail::efficientnet_b0_features<Rule, DepthwiseRule, 1, 1>, dense<Classes>>;

}  // namespace localis::zoo
