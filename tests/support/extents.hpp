#pragma once

#include <cstddef>

#include <doctest/doctest.h>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>

/// What the published networks are known by: their numbers of parameters, as torchvision and the papers state them.
namespace localis_test {

template <class Network>
void check_extents(std::size_t expected, std::size_t stages, std::size_t classes) {
  std::size_t parameters = 0;
  for (const localis::operation& op : Network::program.operations) parameters += op.parameters;
  CHECK(parameters == expected);
  CHECK(Network::stages == stages);
  CHECK(Network::output == localis::shape{1, 1, classes});
  CHECK(Network::highest_boundary == 0);  // without a rule
}

}  // namespace localis_test
