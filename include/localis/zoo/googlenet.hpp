#pragma once

#include <cstddef>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

/// A convolution that keeps the extents if its stride is 1, with normalization and activation.
template <std::size_t Channels, std::size_t Side, class Rule, std::size_t Stride = 1>
using normalized_conv =
    sequence<conv2d<Channels, Side, stride<Stride>, padding<Side / 2>, no_bias, Rule>, batch_norm, relu>;

/// An inception module: a 1 x 1 convolution, two 3 x 3 ones after a reduction of the channels, and a pooling, side by
/// side.
template <class Rule, std::size_t One, std::size_t ReducedTwo, std::size_t Two, std::size_t ReducedThree,
          std::size_t Three, std::size_t Pooled>
using inception = concatenated<branch<normalized_conv<One, 1, Rule>>,
                               branch<normalized_conv<ReducedTwo, 1, Rule>, normalized_conv<Two, 3, Rule>>,
                               branch<normalized_conv<ReducedThree, 1, Rule>, normalized_conv<Three, 3, Rule>>,
                               branch<max_pool2d<3, stride<1>, padding<1>>, normalized_conv<Pooled, 1, Rule>>>;

}  // namespace detail

/// GoogLeNet with batch normalization for 224 x 224 colour pictures, as torchvision's googlenet without auxiliary
/// classifiers: its windows of 5 x 5 are of 3 x 3. Each inception module is a stage; 13 stages.
///
/// torchvision adds 1e-3 to variances: set batch_norm's epsilon to that for its weights. Its dropout rate is 0.2, the
/// paper's 0.4; here it is 0.5 by default.
/// Source: C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich, CVPR
///         2015, arXiv 1409.4842.
// clang-format off
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using googlenet = network<image<224, 224, 3>,
    detail::normalized_conv<64, 7, Rule, 2>, max_pool2d<3, stride<2>, ceil_mode>,
    detail::normalized_conv<64, 1, Rule>, detail::normalized_conv<192, 3, Rule>, max_pool2d<3, stride<2>, ceil_mode>,
    detail::inception<Rule, 64, 96, 128, 16, 32, 32>,
    detail::inception<Rule, 128, 128, 192, 32, 96, 64>, max_pool2d<3, stride<2>, ceil_mode>,
    detail::inception<Rule, 192, 96, 208, 16, 48, 64>,
    detail::inception<Rule, 160, 112, 224, 24, 64, 64>,
    detail::inception<Rule, 128, 128, 256, 24, 64, 64>,
    detail::inception<Rule, 112, 144, 288, 32, 64, 64>,
    detail::inception<Rule, 256, 160, 320, 32, 128, 128>, max_pool2d<2>,
    detail::inception<Rule, 256, 160, 320, 32, 128, 128>,
    detail::inception<Rule, 384, 192, 384, 48, 128, 128>,
    global_average_pool, dropout, dense<Classes>>;
// clang-format on

}  // namespace localis::zoo
