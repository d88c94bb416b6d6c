#pragma once

#include <cmath>

namespace localis_test {

/// A function of the response for nonlinear_hpca, written outside the library.
struct squash {
  template <class T>
  constexpr T operator()(T u) const {
    return std::tanh(u);
  }
};

}  // namespace localis_test
