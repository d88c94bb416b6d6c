#pragma once

#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>

namespace benchmarks {

/// The network of the comparisons in examples/lab/main_network.hpp, and of main_network() in torch_peer.py: six stages,
/// of which the last always learns by gradient.
/// @tparam Rule  before the boundary
// clang-format off
template <class Rule>
using main_network = localis::network<localis::image<28, 28, 1>,
    localis::conv2d<32, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<32, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<64, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu,
    localis::conv2d<64, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu,
    localis::dense<128, Rule>, localis::batch_norm, localis::relu, localis::dropout,
    localis::dense<10>>;
// clang-format on

}  // namespace benchmarks
