#pragma once

#include <cmath>

#include <localis/core/error.hpp>
#include <localis/layer/activation.hpp>

namespace localis {

/// x where x > 0, else leak * x.  `leak` >= 0 is a run-time value: model.layer<I>().function.leak.
struct leaky_relu_function {
  static constexpr const char* name = "leaky_relu";
  double leak = 0.01;
  template <class T>
  constexpr T operator()(T x) const {
    return x < T(0) ? static_cast<T>(leak) * x : x;
  }
  template <class T>
  constexpr T slope(T y) const {
    return y > T(0) ? T(1) : static_cast<T>(leak);
  }
  void validate() const { expect(std::isfinite(leak) && leak >= 0, "leaky_relu: leak", "a finite number >= 0", leak); }
};
using leaky_relu = activation<leaky_relu_function>;

}  // namespace localis
