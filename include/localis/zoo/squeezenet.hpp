#pragma once

#include <cstddef>

#include <localis/layer/conv2d.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

/// A fire module: a 1 x 1 convolution to few channels, and a 1 x 1 and a 3 x 3 convolution side by side. It is two
/// stages.
template <std::size_t Squeezed, std::size_t Expanded, class Rule>
using fire = sequence<
    conv2d<Squeezed, 1, Rule>, relu,
    concatenated<branch<conv2d<Expanded, 1, Rule>, relu>, branch<conv2d<Expanded, 3, padding<1>, Rule>, relu>>>;

/// All layers after the first convolution; `Pool` halves the map.
template <class Pool, std::size_t Classes, class Rule>
using squeezenet_layers =
    sequence<relu, Pool, fire<16, 64, Rule>, fire<16, 64, Rule>, Pool, fire<32, 128, Rule>, fire<32, 128, Rule>, Pool,
             fire<48, 192, Rule>, fire<48, 192, Rule>, fire<64, 256, Rule>, fire<64, 256, Rule>, dropout,
             conv2d<Classes, 1>, relu, global_average_pool>;

}  // namespace detail

/// SqueezeNet 1.1 for 224 x 224 colour pictures (torchvision's squeezenet1_1): a convolution, eight fire modules of two
/// stages each, and a convolution to the classes, whose maps are averaged; 18 stages.
///
/// Source: F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer, arXiv 1602.07360 (2016), in the
///         form 1.1 of the authors' repository.
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using squeezenet = network<image<224, 224, 3>, conv2d<64, 3, stride<2>, Rule>,
                           detail::squeezenet_layers<max_pool2d<3, stride<2>>, Classes, Rule>>;

/// SqueezeNet 1.1 for 32 x 32 colour pictures: its first convolution has no stride, so that 4 x 4 positions are left.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using squeezenet_32 = network<image<32, 32, 3>, conv2d<64, 3, padding<1>, Rule>,
                              detail::squeezenet_layers<max_pool2d<3, stride<2>, padding<1>>, Classes, Rule>>;

}  // namespace localis::zoo
