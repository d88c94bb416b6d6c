#pragma once

#include <cmath>
#include <cstddef>

#include <localis/localis.hpp>

/// The network of D. Krotov and J. Hopfield, Unsupervised learning by competing hidden units, PNAS 116 (2019) 7723.
///
///   u = X W^T,  h = max(0, u)^n,  y = tanh(beta h S^T),  loss = sum_k |y_k - t_k|^m
///
/// W (2,000 units) learns by the local rule, in which the unit of rank 1 moves towards the picture and that of rank k
/// away from it; then S learns by gradient, from targets t of 1 for the class and -1 for all others.
///
/// The rule, its step and the first weights are those of the authors' published program, which ends with the features.
/// The rank (7), the norm (p = 3), n, m and beta are the values that published repetitions state. What differs here, or
/// is not known of the paper: the pixels of a picture are scaled to norm 1, and the read-out learns by Adam with a rate
/// that falls to 0 along a cosine.
namespace examples::krotov_hopfield {

/// The rectifier to a power: y = max(0, x)^n. NaN stays NaN.
/// Errors: config_error unless power is finite and >= 1.
struct rectified_power_function {
  static constexpr const char* name = "rectified_power";
  double power = 4.5;
  template <class T>
  constexpr T operator()(T x) const {
    return x <= T(0) ? T(0) : std::pow(x, static_cast<T>(power));
  }
  template <class T>
  constexpr T slope_at(T x) const {
    return x <= T(0) ? T(0) : static_cast<T>(power) * std::pow(x, static_cast<T>(power - 1));
  }
  void validate() const {
    localis::expect(localis::is_finite(power) && power >= 1, "rectified_power: power", "a finite number >= 1", power);
  }
};
using rectified_power = localis::activation<rectified_power_function>;

/// The power of the distance to targets of 1 and -1.
///
///   loss = sum_k |y_k - t_k|^m,     y = tanh(beta z),     d loss / d z_k = m |y_k - t_k|^(m-1) sgn(y_k - t_k)
///                                                                           beta (1 - y_k^2)
///
///   z  K outputs per sample;  t_k = 1 for the label, -1 for all others
///
/// Units:  power (m) and beta dimensionless.
/// Errors: config_error unless power is finite and > 1, and beta finite and > 0.
struct distance_power {
  double power = 6;
  double beta = 0.01;

  template <class T>
  constexpr T sample(const T* output, std::size_t size, const localis::loss::target<T>& wanted, T* gradient,
                     T scale) const {
    const auto steepness = static_cast<T>(beta);
    const auto exponent = static_cast<T>(power);
    T sum = 0;
    for (std::size_t k = 0; k < size; ++k) {
      const T goal = k == wanted.label ? T(1) : T(-1);
      const T y = localis::math::tanh(steepness * output[k]);
      const T distance = (std::abs)(y - goal);
      const T slope = std::pow(distance, exponent - T(1));
      sum += slope * distance;
      gradient[k] = (y < goal ? -scale : scale) * exponent * slope * steepness * (T(1) - y * y);
    }
    return sum;
  }
  void validate() const {
    localis::expect(localis::is_finite(power) && power > 1, "distance_power: power", "a finite number > 1", power);
    localis::expect(localis::is_finite(beta) && beta > 0, "distance_power: beta", "a finite number > 0", beta);
  }
};

inline constexpr std::size_t units = 2000;
inline constexpr std::size_t batch = 100;

using rule =
    localis::rule::local<localis::rule::krotov_hopfield, localis::rule::max_abs_step, localis::rule::unguarded>;
using network = localis::network<localis::image<28, 28, 1>, localis::dense<units, localis::no_bias, rule>,
                                 rectified_power, localis::dense<10, localis::no_bias>>;
/// The baseline: the same size, all of it learned by gradient.
using plain_network =
    localis::network<localis::image<28, 28, 1>, localis::dense<units>, localis::relu, localis::dense<10>>;

}  // namespace examples::krotov_hopfield
