#pragma once

#include <cstddef>

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

namespace detail {

/// A dense block: `Count` times, 32 channels that a bottleneck of 128 channels makes of all channels before are
/// appended to these.
template <std::size_t Count, class Rule>
using dense_block =
    repeat<Count, concatenated<branch<>, branch<batch_norm, relu, conv2d<128, 1, no_bias, Rule>, batch_norm, relu,
                                                conv2d<32, 3, padding<1>, no_bias, Rule>>>>;

/// A transition to half the channels and half the extents.
template <std::size_t Channels, class Rule>
using transition = sequence<batch_norm, relu, conv2d<Channels, 1, no_bias, Rule>, average_pool2d<2>>;

/// All layers between the first convolution, with what follows it, and the classifier.
template <class Rule>
using densenet121_blocks = sequence<dense_block<6, Rule>, transition<128, Rule>, dense_block<12, Rule>,
                                    transition<256, Rule>, dense_block<24, Rule>, transition<512, Rule>,
                                    dense_block<16, Rule>, batch_norm, relu, global_average_pool>;

}  // namespace detail

/// DenseNet-121 for 224 x 224 colour pictures (torchvision's densenet121). Each layer of a dense block is a stage, and
/// the transitions are stages; 63 stages.
///
/// Memory grows with the square of the length of a block, because each layer copies and saves all channels before it.
/// Cost:   a dense block of L layers after C channels at P positions copies b P (L C + 16 L (L + 1)) bytes of a sample
///         in each pass, for scalars of b bytes; its output has b P (C + 32 L). All blocks together copy 10 173 184
///         scalars, those of densenet121_32 copy 3 321 856.
/// Source: G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, CVPR 2017, arXiv 1608.06993.
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using densenet121 = network<image<224, 224, 3>, conv2d<64, 7, stride<2>, padding<3>, no_bias, Rule>, batch_norm, relu,
                            max_pool2d<3, stride<2>, padding<1>>, detail::densenet121_blocks<Rule>, dense<Classes>>;

/// DenseNet-121 for 32 x 32 colour pictures: a 3 x 3 convolution replaces the first one and the pooling after it, so
/// that 4 x 4 positions are left.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using densenet121_32 = network<image<32, 32, 3>, conv2d<64, 3, padding<1>, no_bias, Rule>, batch_norm, relu,
                               detail::densenet121_blocks<Rule>, dense<Classes>>;

}  // namespace localis::zoo
