#pragma once

#include <cmath>
#include <concepts>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/math/exponential.hpp>
#include <localis/math/select.hpp>

/// Activation functions: plain values with y = f(x), and with the slope f'(x). Layers and some rules
/// (rule::nonlinear_hpca) use them. A function states its slope in terms of its output, slope(y), in terms of its
/// input, slope_at(x), or both. A backward pass reads the output if there is slope(y), and else the input. With both,
/// which a function has if neither is dearer, the layer before it can compute the function in its own passes.
namespace localis {

/// Whether a function states its slope in terms of its output.
template <class Function>
concept slope_of_output = requires(const Function& f) {
  { f.slope(1.0) } -> std::same_as<double>;
  { f.slope(1.0F) } -> std::same_as<float>;
};
/// Whether a function states its slope in terms of its input.
template <class Function>
concept slope_of_input = requires(const Function& f) {
  { f.slope_at(1.0) } -> std::same_as<double>;
  { f.slope_at(1.0F) } -> std::same_as<float>;
};

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
    return math::select(x < T(0), static_cast<T>(leak) * x, x);
  }
  template <class T>
  constexpr T slope(T y) const {
    return math::select(y > T(0), T(1), static_cast<T>(leak));
  }
  template <class T>
  constexpr T slope_at(T x) const {
    return math::select(x > T(0), T(1), static_cast<T>(leak));
  }
  void validate() const { expect(is_finite(leak) && leak >= 0, "leaky_relu: leak", "a finite number >= 0", leak); }
};

/// Hyperbolic tangent, with slope 1 - y^2.
struct tanh_function {
  static constexpr const char* name = "tanh";
  template <class T>
  constexpr T operator()(T x) const {
    return math::tanh(x);
  }
  template <class T>
  constexpr T slope(T y) const {
    return T(1) - y * y;
  }
};

/// Logistic function 1 / (1 + e^-x), with slope y (1 - y).
struct sigmoid_function {
  static constexpr const char* name = "sigmoid";
  template <class T>
  constexpr T operator()(T x) const {
    const T e = math::exp_of_negative(-(std::abs)(x));
    return (x < T(0) ? e : T(1)) / (T(1) + e);
  }
  template <class T>
  constexpr T slope(T y) const {
    return y * (T(1) - y);
  }
};

/// Softplus log(1 + e^x), with slope 1 - e^-y.
struct softplus_function {
  static constexpr const char* name = "softplus";
  template <class T>
  constexpr T operator()(T x) const {
    return (x < T(0) ? T(0) : x) + std::log1p(math::exp_of_negative(-(std::abs)(x)));
  }
  template <class T>
  constexpr T slope(T y) const {
    return -math::expm1_of_negative(-y);
  }
};

/// Exponential linear unit: x where x > 0, else alpha (e^x - 1), with slope y + alpha there. `alpha` >= 0 is a run-time
/// value: model.layer<I>().function.alpha.
struct elu_function {
  static constexpr const char* name = "elu";
  double alpha = 1;
  template <class T>
  constexpr T operator()(T x) const {
    return math::select(x > T(0), x, static_cast<T>(alpha) * math::expm1_of_negative(x));
  }
  template <class T>
  constexpr T slope(T y) const {
    return math::select(y > T(0), T(1), y + static_cast<T>(alpha));
  }
  void validate() const { expect(is_finite(alpha) && alpha >= 0, "elu: alpha", "a finite number >= 0", alpha); }
};

/// Sigmoid linear unit x s(x), s(x) = 1 / (1 + e^-x), also called swish, with slope s(x) (1 + x (1 - s(x))).
struct silu_function {
  static constexpr const char* name = "silu";
  template <class T>
  constexpr T operator()(T x) const {
    return x * sigmoid_function{}(x);
  }
  template <class T>
  constexpr T slope_at(T x) const {
    const T s = sigmoid_function{}(x);
    return s * (T(1) + x * (T(1) - s));
  }
};

/// Gaussian error linear unit x P(x), where P is the distribution function of the normal distribution: exact, by the
/// error function, P(x) = (1 + erf(x / sqrt 2)) / 2, not its approximation by tanh. Its slope is P(x) + x P'(x).
struct gelu_function {
  static constexpr const char* name = "gelu";
  template <class T>
  constexpr T operator()(T x) const {
    return x * probability(x);
  }
  template <class T>
  constexpr T slope_at(T x) const {
    constexpr T one_by_sqrt_two_pi = T(0.39894228040143267794);
    return probability(x) + x * one_by_sqrt_two_pi * math::exp_of_negative(T(-0.5) * x * x);
  }

 private:
  /// By the complement of erf, which keeps its digits where P is small.
  template <class T>
  static constexpr T probability(T x) {
    constexpr T one_by_sqrt_two = T(0.70710678118654752440);
    return T(0.5) * std::erfc(-one_by_sqrt_two * x);
  }
};

/// Hard swish x min(max(x + 3, 0), 6) / 6, with slope 0 where x < -3, 1 where x > 3, and (2 x + 3) / 6 between; NaN
/// stays NaN.
struct hard_swish_function {
  static constexpr const char* name = "hard_swish";
  template <class T>
  constexpr T operator()(T x) const {
    return x * relu6_function{}(x + T(3)) * (T(1) / T(6));
  }
  template <class T>
  constexpr T slope_at(T x) const {
    const T rising = (T(2) * x + T(3)) * (T(1) / T(6));
    return math::select(x < T(-3), T(0), math::select(x > T(3), T(1), rising));
  }
};

}  // namespace localis
