#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <localis/core/shape.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace examples {

/// The network of the comparisons: six stages, of which the last always learns by gradient.
/// @tparam Rule   before the boundary
/// @tparam First  the same for the first stage, whose 32 units have 9 inputs each
// clang-format off
template <class Rule, class First = Rule>
using main_network = localis::network<localis::image<28, 28, 1>,
    localis::conv2d<32, 3, localis::padding<1>, First>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<32, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu, localis::max_pool2d<2>,
    localis::conv2d<64, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu,
    localis::conv2d<64, 3, localis::padding<1>, Rule>, localis::batch_norm, localis::relu,
    localis::dense<128, Rule>, localis::batch_norm, localis::relu, localis::dropout,
    localis::dense<10>>;
// clang-format on

/// A model of it from a seed.
template <class Model>
[[nodiscard]] Model fresh_model(const typename Model::backend_type& backend, std::uint64_t seed) {
  constexpr std::size_t dropout = 17;
  Model fresh{{.seed = seed}, backend};
  fresh.template layer<dropout>().rate = 0.25;
  return fresh;
}

}  // namespace examples
