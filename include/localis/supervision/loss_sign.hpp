#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/supervision/running_mean.hpp>
#include <localis/supervision/supervision.hpp>

namespace localis::supervision {

/// Uses one gain while the loss is below its recent mean and another while it is above. Unlike loss_gain, it ignores
/// the size of the difference.
///
///   g_t = increase  where l < m,   decrease  where l > m,   1  where they are equal
///
///   l  loss of step t - 1
///   m  mean of the losses before that one, of steps 0 ... t - 2, with exponentially falling weights (running_mean)
///
/// g is 1 while fewer than two losses are known.
///
/// Units:  dimensionless; the mean remembers about 1 / (1 - smoothing) steps.
/// Errors: validate() throws config_error unless increase is finite and at least 1, decrease in [0, 1], smoothing in
///         [0, 1).
/// Source: ours.
struct loss_sign {
  double increase = 1.5;
  double decrease = 0.5;
  double smoothing = 0.99;

  using state = loss_and_mean;

  void validate() const {
    expect(is_finite(increase) && increase >= 1, "supervision::loss_sign.increase", "a finite gain of at least 1",
           increase);
    expect(is_finite(decrease) && decrease >= 0 && decrease <= 1, "supervision::loss_sign.decrease", "a gain in [0, 1]",
           decrease);
    expect(is_finite(smoothing) && smoothing >= 0 && smoothing < 1, "supervision::loss_sign.smoothing",
           "a number in [0, 1)", smoothing);
  }

  constexpr void observe(state& seen, double loss) const { seen.add(loss, smoothing); }

  [[nodiscard]] constexpr double gain(const state& seen) const {
    if (seen.earlier.empty()) return 1;
    const double mean = seen.earlier.value();
    return seen.loss < mean ? increase : seen.loss > mean ? decrease : 1;
  }

  friend bool operator==(const loss_sign&, const loss_sign&) = default;
};

static_assert(check_supervision<loss_sign>());

}  // namespace localis::supervision
