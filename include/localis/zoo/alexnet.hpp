#pragma once

#include <cstddef>

#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

/// AlexNet for 224 x 224 colour pictures: 8 stages, 61,100,840 parameters for 1000 classes.
///
/// Source: A. Krizhevsky, arXiv 1404.5997 (2014), with the extents of torchvision's alexnet.
template <std::size_t Classes = 1000, class Rule = rule::gradient>
using alexnet =
    network<image<224, 224, 3>, conv2d<64, 11, stride<4>, padding<2>, Rule>, relu, max_pool2d<3, stride<2>>,
            conv2d<192, 5, padding<2>, Rule>, relu, max_pool2d<3, stride<2>>, conv2d<384, 3, padding<1>, Rule>, relu,
            conv2d<256, 3, padding<1>, Rule>, relu, conv2d<256, 3, padding<1>, Rule>, relu, max_pool2d<3, stride<2>>,
            dropout, dense<4096, Rule>, relu, dropout, dense<4096, Rule>, relu, dense<Classes>>;

/// AlexNet for 32 x 32 colour pictures: its five convolutions, followed by one dense layer; 6 stages.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using alexnet_32 = network<image<32, 32, 3>, conv2d<64, 11, stride<4>, padding<5>, Rule>, relu, max_pool2d<2>,
                           conv2d<192, 5, padding<2>, Rule>, relu, max_pool2d<2>, conv2d<384, 3, padding<1>, Rule>,
                           relu, conv2d<256, 3, padding<1>, Rule>, relu, conv2d<256, 3, padding<1>, Rule>, relu,
                           max_pool2d<2>, dense<Classes>>;

}  // namespace localis::zoo
