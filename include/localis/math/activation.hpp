#pragma once

#include <cmath>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>

/// Activation functions: plain values with y = f(x), and the slope f'(x) written in terms of y. Layers and some rules
/// (rule::nonlinear_hpca) use them. If the slope is as cheap in terms of x, the function has slope_at(x), and the layer
/// before it can compute it in its own passes.
namespace localis {

/// The identity y = x, for no activation.
struct identity_function {
  static constexpr const char* name = "identity";
  template <class T>
  constexpr T operator()(T x) const {
    return x;
  }
  template <class T>
  constexpr T slope(T) const {
    return T(1);
  }
  template <class T>
  constexpr T slope_at(T) const {
    return T(1);
  }
};

/// Rectifier max(x, 0); NaN stays NaN.
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
  template <class T>
  constexpr T slope_at(T x) const {
    return x > T(0) ? T(1) : T(0);
  }
};

/// Clipped rectifier min(max(x, 0), 6); NaN stays NaN.
struct relu6_function {
  static constexpr const char* name = "relu6";
  template <class T>
  constexpr T operator()(T x) const {
    return x < T(0) ? T(0) : x > T(6) ? T(6) : x;
  }
  template <class T>
  constexpr T slope(T y) const {
    return y > T(0) && y < T(6) ? T(1) : T(0);
  }
  template <class T>
  constexpr T slope_at(T x) const {
    return x > T(0) && x < T(6) ? T(1) : T(0);
  }
};

/// Leaky rectifier: x where x > 0, else leak * x. `leak` >= 0 is a run-time value: model.layer<I>().function.leak.
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
  template <class T>
  constexpr T slope_at(T x) const {
    return x > T(0) ? T(1) : static_cast<T>(leak);
  }
  void validate() const { expect(is_finite(leak) && leak >= 0, "leaky_relu: leak", "a finite number >= 0", leak); }
};

/// Hyperbolic tangent, with slope 1 - y^2.
struct tanh_function {
  static constexpr const char* name = "tanh";
  template <class T>
  constexpr T operator()(T x) const {
    return std::tanh(x);
  }
  template <class T>
  constexpr T slope(T y) const {
    return T(1) - y * y;
  }
};

}  // namespace localis
