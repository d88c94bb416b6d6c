#pragma once

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/model/model.hpp>

namespace localis_test {

/// The output of a network of one layer, its weights set to `weight` and its biases to `bias`.
template <class Net>
std::vector<double> respond(const std::vector<double>& weight, const std::vector<double>& bias,
                            const std::vector<double>& x) {
  localis::model<Net, localis::reference::backend<double>> m;
  const auto parameters = m.template layer<0>().parameters();
  REQUIRE(parameters[0].size() == weight.size());
  REQUIRE(parameters[1].size() == bias.size());
  std::copy(weight.begin(), weight.end(), parameters[0].value);
  std::copy(bias.begin(), bias.end(), parameters[1].value);
  return m.predict(x, x.size() / Net::input.size());
}

}  // namespace localis_test
