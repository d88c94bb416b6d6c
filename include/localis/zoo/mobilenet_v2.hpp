#pragma once

#include <cstddef>
#include <type_traits>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

/// A depthwise 3 x 3 convolution, then a 1 x 1 convolution without an activation after it.
template <std::size_t Out, std::size_t Stride, class Rule, class DepthwiseRule>
using separable = sequence<depthwise_conv2d<3, stride<Stride>, padding<1>, no_bias, DepthwiseRule>, batch_norm, relu6,
                           conv2d<Out, 1, no_bias, Rule>, batch_norm>;

/// A 1 x 1 convolution to `Expansion` times the channels, followed by a separable convolution; the input is added if
/// the extents are equal.
template <std::size_t In, std::size_t Out, std::size_t Stride, std::size_t Expansion, class Rule, class DepthwiseRule>
using inverted = std::conditional_t<
    Stride == 1 && In == Out,
    residual<conv2d<In * Expansion, 1, no_bias, Rule>, batch_norm, relu6, separable<Out, Stride, Rule, DepthwiseRule>>,
    block<conv2d<In * Expansion, 1, no_bias, Rule>, batch_norm, relu6, separable<Out, Stride, Rule, DepthwiseRule>>>;

template <std::size_t Count, std::size_t In, std::size_t Out, std::size_t Stride, class Rule, class DepthwiseRule>
using inverted_group = sequence<inverted<In, Out, Stride, 6, Rule, DepthwiseRule>,
                                repeat<Count - 1, inverted<Out, Out, 1, 6, Rule, DepthwiseRule>>>;

/// All layers between input and classifier, for given strides of the first convolution and of the second and third
/// group.
template <class Rule, class DepthwiseRule, std::size_t First, std::size_t Second, std::size_t Third>
using mobilenet_v2_features =
    sequence<conv2d<32, 3, stride<First>, padding<1>, no_bias, Rule>, batch_norm, relu6,
             block<separable<16, 1, Rule, DepthwiseRule>>, inverted_group<2, 16, 24, Second, Rule, DepthwiseRule>,
             inverted_group<3, 24, 32, Third, Rule, DepthwiseRule>, inverted_group<4, 32, 64, 2, Rule, DepthwiseRule>,
             inverted_group<3, 64, 96, 1, Rule, DepthwiseRule>, inverted_group<3, 96, 160, 2, Rule, DepthwiseRule>,
             inverted_group<1, 160, 320, 1, Rule, DepthwiseRule>, conv2d<1280, 1, no_bias, Rule>, batch_norm, relu6,
             global_average_pool, dropout>;

}  // namespace detail

/// MobileNetV2 for 224 x 224 colour pictures, width 1, with the extents of torchvision's mobilenet_v2. Each inverted
/// block is a stage, whether it has a sum or not.
///
/// `DepthwiseRule` is the rule of the depthwise layers, whose units cannot compete. The dropout rate is 0.5 by default;
/// the paper uses 0.2.
/// Source: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, arXiv 1801.04381 (2018).
template <std::size_t Classes = 1000, class Rule = rule::gradient, class DepthwiseRule = Rule>
using mobilenet_v2 =
    network<image<224, 224, 3>, detail::mobilenet_v2_features<Rule, DepthwiseRule, 2, 2, 2>, dense<Classes>>;

/// MobileNetV2 for 32 x 32 colour pictures: its first two strides are 1, so that 4 x 4 positions are left.
template <std::size_t Classes = 10, class Rule = rule::gradient, class DepthwiseRule = Rule>
using mobilenet_v2_32 =
    network<image<32, 32, 3>, detail::mobilenet_v2_features<Rule, DepthwiseRule, 1, 1, 2>, dense<Classes>>;

}  // namespace localis::zoo
