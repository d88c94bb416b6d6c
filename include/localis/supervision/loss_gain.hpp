#pragma once

#include <algorithm>
#include <cmath>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/supervision/running_mean.hpp>
#include <localis/supervision/supervision.hpp>

namespace localis::supervision {

/// Makes local steps longer while the loss is below its recent mean, and shorter while it is above.
///
///   g_t = clamp( (m / l)^exponent, lowest, highest )
///
///   l  loss of step t - 1
///   m  mean of the losses before that one, of steps 0 ... t - 2, with exponentially falling weights:
///      m = sum_i s^(t-2-i) l_i / sum_i s^(t-2-i),   s = smoothing
///
/// g is 1 while fewer than two losses are known, and `highest` if l is 0.
///
/// Units:  dimensionless; the mean remembers about 1 / (1 - smoothing) steps.
/// Errors: validate() throws config_error unless exponent is finite and above 0, lowest in [0, 1], highest finite
///         and at least 1, smoothing in [0, 1).
/// Source: after the "weak supervision" in the abstract of S. Krithivasan et al., Frontiers in Neuroscience 15 (2022)
///         759807. The formula is ours.
struct loss_gain {
  double exponent = 1;
  double lowest = 0.5;
  double highest = 2;
  double smoothing = 0.99;

  using state = loss_and_mean;

  void validate() const {
    expect(is_finite(exponent) && exponent > 0, "supervision::loss_gain.exponent", "a finite number above 0", exponent);
    expect(is_finite(lowest) && lowest >= 0 && lowest <= 1, "supervision::loss_gain.lowest", "a gain in [0, 1]",
           lowest);
    expect(is_finite(highest) && highest >= 1, "supervision::loss_gain.highest", "a finite gain of at least 1",
           highest);
    expect(is_finite(smoothing) && smoothing >= 0 && smoothing < 1, "supervision::loss_gain.smoothing",
           "a number in [0, 1)", smoothing);
  }

  constexpr void observe(state& seen, double loss) const { seen.add(loss, smoothing); }

  [[nodiscard]] constexpr double gain(const state& seen) const {
    if (seen.earlier.empty()) return 1;
    if (seen.loss <= 0) return highest;
    const double ratio = (std::max)(seen.earlier.value(), 0.0) / seen.loss;
    return std::clamp(std::pow(ratio, exponent), lowest, highest);
  }

  friend bool operator==(const loss_gain&, const loss_gain&) = default;
};

static_assert(check_supervision<loss_gain>());

}  // namespace localis::supervision
