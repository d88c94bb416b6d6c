#pragma once

#include <localis/layer/activation.hpp>

namespace localis {

/// max(x, 0); NaN stays NaN.
struct relu_function {
  static constexpr const char* name = "relu";
  template <class T>
  constexpr T operator()(T x) const {
    return x < T(0) ? T(0) : x;
  }
  template <class T>
  constexpr T slope(T y) const {
    return y > T(0) ? T(1) : T(0);
  }
};
using relu = activation<relu_function>;

}  // namespace localis
