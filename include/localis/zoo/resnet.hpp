#pragma once

#include <cstddef>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

/// The projection from the input of a block to its sum if the extents change.
template <std::size_t Channels, std::size_t Stride, class Rule>
using projection = shortcut<conv2d<Channels, 1, stride<Stride>, no_bias, Rule>, batch_norm>;

/// A basic block: two 3 x 3 convolutions, the first with the stride of the block.
template <std::size_t Channels, std::size_t Stride, class Rule>
using basic_main = sequence<conv2d<Channels, 3, stride<Stride>, padding<1>, no_bias, Rule>, batch_norm, relu,
                            conv2d<Channels, 3, padding<1>, no_bias, Rule>, batch_norm>;

/// A bottleneck block: a 1 x 1 convolution, a 3 x 3 one with the stride of the block, and a 1 x 1 one to four times the
/// channels.
template <std::size_t Channels, std::size_t Stride, class Rule>
using bottleneck_main = sequence<conv2d<Channels, 1, no_bias, Rule>, batch_norm, relu,
                                 conv2d<Channels, 3, stride<Stride>, padding<1>, no_bias, Rule>, batch_norm, relu,
                                 conv2d<4 * Channels, 1, no_bias, Rule>, batch_norm>;

/// `Count` basic blocks; the first has a stride, and a projection unless `Same`.
template <std::size_t Count, std::size_t Channels, std::size_t Stride, class Rule>
using basic_group = sequence<residual<projection<Channels, Stride, Rule>, basic_main<Channels, Stride, Rule>>, relu,
                             repeat<Count - 1, residual<basic_main<Channels, 1, Rule>>, relu>>;

template <std::size_t Count, std::size_t Channels, class Rule>
using first_basic_group = repeat<Count, residual<basic_main<Channels, 1, Rule>>, relu>;

template <std::size_t Count, std::size_t Channels, std::size_t Stride, class Rule>
using bottleneck_group =
    sequence<residual<projection<4 * Channels, Stride, Rule>, bottleneck_main<Channels, Stride, Rule>>, relu,
             repeat<Count - 1, residual<bottleneck_main<Channels, 1, Rule>>, relu>>;

template <class Rule>
using resnet_stem = sequence<conv2d<64, 7, stride<2>, padding<3>, no_bias, Rule>, batch_norm, relu,
                             max_pool2d<3, stride<2>, padding<1>>>;

template <std::size_t Classes, class Rule, std::size_t A, std::size_t B, std::size_t C, std::size_t D>
using basic_resnet =
    network<image<224, 224, 3>, resnet_stem<Rule>, first_basic_group<A, 64, Rule>, basic_group<B, 128, 2, Rule>,
            basic_group<C, 256, 2, Rule>, basic_group<D, 512, 2, Rule>, global_average_pool, dense<Classes>>;

template <std::size_t Classes, class Rule, std::size_t Count>
using resnet_32 = network<image<32, 32, 3>, conv2d<16, 3, padding<1>, no_bias, Rule>, batch_norm, relu,
                          first_basic_group<Count, 16, Rule>, basic_group<Count, 32, 2, Rule>,
                          basic_group<Count, 64, 2, Rule>, global_average_pool, dense<Classes>>;

}  // namespace detail

// Residual networks (K. He, X. Zhang, S. Ren, J. Sun, arXiv 1512.03385, 2015). Each block is a stage.

// For 224 x 224 colour pictures, with the extents of torchvision's resnet18, 34 and 50 (the stride of a bottleneck lies
// in its 3 x 3 convolution).

template <std::size_t Classes = 1000, class Rule = rule::gradient>
using resnet18 = detail::basic_resnet<Classes, Rule, 2, 2, 2, 2>;
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using resnet34 = detail::basic_resnet<Classes, Rule, 3, 4, 6, 3>;
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using resnet50 = network<image<224, 224, 3>, detail::resnet_stem<Rule>, detail::bottleneck_group<3, 64, 1, Rule>,
                         detail::bottleneck_group<4, 128, 2, Rule>, detail::bottleneck_group<6, 256, 2, Rule>,
                         detail::bottleneck_group<3, 512, 2, Rule>, global_average_pool, dense<Classes>>;

/// ResNet-18 for 32 x 32 colour pictures: a 3 x 3 convolution replaces the stem.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using resnet18_32 = network<image<32, 32, 3>, conv2d<64, 3, padding<1>, no_bias, Rule>, batch_norm, relu,
                            detail::first_basic_group<2, 64, Rule>, detail::basic_group<2, 128, 2, Rule>,
                            detail::basic_group<2, 256, 2, Rule>, detail::basic_group<2, 512, 2, Rule>,
                            global_average_pool, dense<Classes>>;

// For 32 x 32 colour pictures, as in the paper's section 4.2, but with projections if extents change (its option B).

template <std::size_t Classes = 10, class Rule = rule::gradient>
using resnet20 = detail::resnet_32<Classes, Rule, 3>;
template <std::size_t Classes = 10, class Rule = rule::gradient>
using resnet56 = detail::resnet_32<Classes, Rule, 9>;

}  // namespace localis::zoo
