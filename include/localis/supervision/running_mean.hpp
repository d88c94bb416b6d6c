#pragma once

#include <cstddef>

namespace localis::supervision {

/// Mean of the values so far, with weights that fall exponentially into the past:
///
///   m = sum_i s^(n-1-i) x_i / sum_i s^(n-1-i),   s = smoothing
///
/// It remembers about 1 / (1 - smoothing) values.
struct running_mean {
  double sum = 0;     ///< the running average of the values, as started from 0
  double weight = 0;  ///< 1 - smoothing^n, which corrects for that start; 0: no values yet

  constexpr void add(double value, double smoothing) {
    sum = smoothing * sum + (1 - smoothing) * value;
    weight = smoothing * weight + (1 - smoothing);
  }
  [[nodiscard]] constexpr bool empty() const { return weight == 0; }
  [[nodiscard]] constexpr double value() const { return sum / weight; }  ///< needs at least one value

  friend bool operator==(const running_mean&, const running_mean&) = default;
};

/// The last loss, and the mean of the losses before it.
struct loss_and_mean {
  double loss = 0;
  running_mean earlier;
  std::size_t losses = 0;  ///< number seen so far

  constexpr void add(double next, double smoothing) {
    if (losses > 0) earlier.add(loss, smoothing);
    loss = next;
    ++losses;
  }

  friend bool operator==(const loss_and_mean&, const loss_and_mean&) = default;
};

}  // namespace localis::supervision
