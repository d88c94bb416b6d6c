#pragma once

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/supervision/running_mean.hpp>
#include <localis/supervision/supervision.hpp>

namespace localis::supervision {

/// Uses one gain while the loss is below its recent mean and another while it is above. Unlike loss_gain, it ignores
/// the size of the difference.
///
///   g_t = up   where l < m,   down  where l > m,   1  where they are equal
///
///   l  loss of step t - 1
///   m  mean of the losses before that one, of steps 0 ... t - 2, with exponentially falling weights (running_mean)
///
/// g is 1 while fewer than two losses are known.
///
/// Units:  dimensionless; the mean remembers about 1 / (1 - smoothing) steps.
/// Errors: validate() throws config_error unless up is finite and at least 1, down in [0, 1], smoothing in [0, 1).
/// Source: ours.
struct loss_sign {
  double up = 1.5;
  double down = 0.5;
  double smoothing = 0.99;

  using state = loss_and_mean;

  void validate() const {
    expect(is_finite(up) && up >= 1, "supervision::loss_sign.up", "a finite gain of at least 1", up);
    expect(is_finite(down) && down >= 0 && down <= 1, "supervision::loss_sign.down", "a gain in [0, 1]", down);
    expect(is_finite(smoothing) && smoothing >= 0 && smoothing < 1, "supervision::loss_sign.smoothing",
           "a number in [0, 1)", smoothing);
  }

  constexpr void observe(state& seen, double loss) const { seen.add(loss, smoothing); }

  [[nodiscard]] constexpr double gain(const state& seen) const {
    if (seen.earlier.empty()) return 1;
    const double mean = seen.earlier.value();
    return seen.loss < mean ? up : seen.loss > mean ? down : 1;
  }

  friend bool operator==(const loss_sign&, const loss_sign&) = default;
};

static_assert(check_supervision<loss_sign>());

}  // namespace localis::supervision
