#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <localis/loss/loss.hpp>

namespace localis_test {

/// scale * d loss / d output of one sample against central differences.
template <class Loss>
void check_loss_gradient(const Loss& loss, std::vector<double> output, const localis::loss::target<double>& wanted) {
  const double scale = 0.25;
  std::vector<double> gradient(output.size());
  std::vector<double> unused(output.size());
  (void)loss.sample(output.data(), output.size(), wanted, gradient.data(), scale);
  for (std::size_t k = 0; k < output.size(); ++k) {
    const double step = 1e-5;
    const double value = output[k];
    output[k] = value + step;
    const double upper = loss.sample(output.data(), output.size(), wanted, unused.data(), scale);
    output[k] = value - step;
    const double lower = loss.sample(output.data(), output.size(), wanted, unused.data(), scale);
    output[k] = value;
    CHECK(std::abs(gradient[k] - scale * (upper - lower) / (2 * step)) < 1e-9);
  }
}

}  // namespace localis_test
