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

/// `Count` convolutions of `Channels` channels, then a pooling that halves the map.
template <std::size_t Count, std::size_t Channels, class Rule>
using vgg_group = sequence<repeat<Count, conv2d<Channels, 3, padding<1>, Rule>, batch_norm, relu>, max_pool2d<2>>;

/// All convolutions of a network, given their number in each group and the channels of the first one. They reduce
/// 224 x 224 pixels to 7 x 7 positions, and 32 x 32 pixels to one.
template <class Rule, std::size_t A, std::size_t B, std::size_t C, std::size_t D, std::size_t E, std::size_t Width = 64>
using vgg_features = sequence<vgg_group<A, Width, Rule>, vgg_group<B, 2 * Width, Rule>, vgg_group<C, 4 * Width, Rule>,
                              vgg_group<D, 8 * Width, Rule>, vgg_group<E, 8 * Width, Rule>>;

template <std::size_t Classes, class Rule, class Features>
using vgg = network<image<224, 224, 3>, Features, dense<4096, Rule>, relu, dropout, dense<4096, Rule>, relu, dropout,
                    dense<Classes>>;

template <std::size_t Classes, class Rule, class Features, std::size_t Width = 64>
using vgg_32 = network<image<32, 32, 3>, Features, dense<8 * Width, Rule>, relu, dense<Classes>>;

}  // namespace detail

// VGG with batch normalization, for 224 x 224 colour pictures (torchvision's vgg11_bn ... vgg19_bn), and for 32 x 32
// with a classifier of 512 and `Classes` units. vgg11_half_32 has half the channels and units of vgg11_32, which is
// about a quarter of its products: a network for many short runs.
//
// Source: K. Simonyan, A. Zisserman, arXiv 1409.1556 (2014), configurations A, B without its second column, D and E.

template <std::size_t Classes = 1000, class Rule = rule::gradient>
using vgg11 = detail::vgg<Classes, Rule, detail::vgg_features<Rule, 1, 1, 2, 2, 2>>;
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using vgg13 = detail::vgg<Classes, Rule, detail::vgg_features<Rule, 2, 2, 2, 2, 2>>;
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using vgg16 = detail::vgg<Classes, Rule, detail::vgg_features<Rule, 2, 2, 3, 3, 3>>;
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using vgg19 = detail::vgg<Classes, Rule, detail::vgg_features<Rule, 2, 2, 4, 4, 4>>;

template <std::size_t Classes = 10, class Rule = rule::gradient>
using vgg11_32 = detail::vgg_32<Classes, Rule, detail::vgg_features<Rule, 1, 1, 2, 2, 2>>;
template <std::size_t Classes = 10, class Rule = rule::gradient>
using vgg11_half_32 = detail::vgg_32<Classes, Rule, detail::vgg_features<Rule, 1, 1, 2, 2, 2, 32>, 32>;
template <std::size_t Classes = 10, class Rule = rule::gradient>
using vgg13_32 = detail::vgg_32<Classes, Rule, detail::vgg_features<Rule, 2, 2, 2, 2, 2>>;
template <std::size_t Classes = 10, class Rule = rule::gradient>
using vgg16_32 = detail::vgg_32<Classes, Rule, detail::vgg_features<Rule, 2, 2, 3, 3, 3>>;
template <std::size_t Classes = 10, class Rule = rule::gradient>
using vgg19_32 = detail::vgg_32<Classes, Rule, detail::vgg_features<Rule, 2, 2, 4, 4, 4>>;

}  // namespace localis::zoo
