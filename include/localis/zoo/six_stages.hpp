#pragma once

#include <cstddef>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

// clang-format off
template <class Input, std::size_t Classes, class Rule, class First>
using six_stages_of = network<Input,
    conv2d<32, 3, padding<1>, First>, batch_norm, relu, max_pool2d<2>,
    conv2d<32, 3, padding<1>, Rule>, batch_norm, relu, max_pool2d<2>,
    conv2d<64, 3, padding<1>, Rule>, batch_norm, relu,
    conv2d<64, 3, padding<1>, Rule>, batch_norm, relu,
    dense<128, Rule>, batch_norm, relu, dropout,
    dense<Classes>>;
// clang-format on

}  // namespace detail

/// The network on which this project compares boundaries and rules and measures steps (docs/results.md), for grey
/// 28 x 28 pictures: four convolutions and two dense layers, 468,458 parameters for 10 classes.
///
/// Source: ours, in the style of VGG.
/// @tparam Rule   of all stages but the last, which always learns by gradient
/// @tparam First  of the first stage, if it has another: its 32 units have 9 inputs each, more units than some rules
///                can order
template <std::size_t Classes = 10, class Rule = rule::gradient, class First = Rule>
using six_stages = detail::six_stages_of<image<28, 28, 1>, Classes, Rule, First>;

/// six_stages for coloured 32 x 32 pictures, such as CIFAR-10: 591,914 parameters for 10 classes.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using six_stages_32 = detail::six_stages_of<image<32, 32, 3>, Classes, Rule, Rule>;

}  // namespace localis::zoo
