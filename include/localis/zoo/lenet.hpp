#pragma once

#include <cstddef>

#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/network/program.hpp>

namespace localis::zoo {

/// LeNet-5 for grey 28 x 28 pictures (padded to 32 x 32 by its first layer): 5 stages, 61,706 parameters for 10
/// classes.
///
/// Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86 (1998) 2278, in the form that is usual today:
///         every map of the second convolution sees all maps of the first, pooling is a plain mean, and the last layer
///         is dense.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using lenet = network<image<28, 28, 1>, conv2d<6, 5, padding<2>, Rule>, tanh, average_pool2d<2>, conv2d<16, 5, Rule>,
                      tanh, average_pool2d<2>, dense<120, Rule>, tanh, dense<84, Rule>, tanh, dense<Classes>>;

/// LeNet-5 for 32 x 32 colour pictures, which need no padding.
template <std::size_t Classes = 10, class Rule = rule::gradient>
using lenet_32 = network<image<32, 32, 3>, conv2d<6, 5, Rule>, tanh, average_pool2d<2>, conv2d<16, 5, Rule>, tanh,
                         average_pool2d<2>, dense<120, Rule>, tanh, dense<84, Rule>, tanh, dense<Classes>>;

}  // namespace localis::zoo
