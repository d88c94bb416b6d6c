#pragma once

#include <cmath>

#include <localis/layer/activation.hpp>

namespace localis {

/// tanh(x), slope 1 - y^2.
struct tanh_function {
  static constexpr const char* name = "tanh";
  template <class T>
  T operator()(T x) const {
    return std::tanh(x);
  }
  template <class T>
  constexpr T slope(T y) const {
    return T(1) - y * y;
  }
};
using tanh = activation<tanh_function>;

}  // namespace localis
