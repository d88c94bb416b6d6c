#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/supervision/running_mean.hpp>
#include <localis/supervision/supervision.hpp>

namespace localis::supervision {

/// Changes the gain by a factor whenever the loss has stopped falling.
///
///   after each step:  m < best - threshold |best|:  best <- m
///                     otherwise, `patience` steps in a row:  g <- clamp( g * factor, lowest, highest ), and count anew
///
///   m     mean of all losses so far, with exponentially falling weights (running_mean)
///   best  the m of the last improvement; at first the first loss
///
/// g starts at 1. A factor below 1 shortens local steps once the loss stops falling, and a factor above 1 lengthens
/// them.
///
/// Units:  patience in steps, all others dimensionless; the mean remembers about 1 / (1 - smoothing) steps.
/// Errors: validate() throws config_error unless factor is finite and above 0, threshold in [0, 1), patience at least
///         1, lowest in [0, 1], highest finite and at least 1, smoothing in [0, 1).
/// Source: the rule commonly used for learning rates (PyTorch: ReduceLROnPlateau), per step and on a smoothed loss.
struct plateau {
  double factor = 0.5;
  double threshold = 0.01;  ///< fraction of `best` by which the loss must fall to count as an improvement
  std::size_t patience = 500;
  double lowest = 0.01;
  double highest = 100;
  double smoothing = 0.99;

  struct state {
    double gain = 1;
    double best = 0;
    running_mean mean;
    std::size_t waited = 0;  ///< steps since the last improvement or change
    friend bool operator==(const state&, const state&) = default;
  };

  void validate() const {
    expect(is_finite(factor) && factor > 0, "supervision::plateau.factor", "a finite number above 0", factor);
    expect(is_finite(threshold) && threshold >= 0 && threshold < 1, "supervision::plateau.threshold",
           "a share in [0, 1)", threshold);
    expect(patience >= 1, "supervision::plateau.patience", "at least 1 step", patience);
    expect(is_finite(lowest) && lowest >= 0 && lowest <= 1, "supervision::plateau.lowest", "a gain in [0, 1]", lowest);
    expect(is_finite(highest) && highest >= 1, "supervision::plateau.highest", "a finite gain of at least 1", highest);
    expect(is_finite(smoothing) && smoothing >= 0 && smoothing < 1, "supervision::plateau.smoothing",
           "a number in [0, 1)", smoothing);
  }

  constexpr void observe(state& seen, double loss) const {
    const bool first = seen.mean.empty();
    seen.mean.add(loss, smoothing);
    const double mean = seen.mean.value();
    if (first || mean < seen.best - threshold * (std::abs)(seen.best)) {
      seen.best = mean;
      seen.waited = 0;
    } else if (++seen.waited == patience) {
      seen.gain = std::clamp(seen.gain * factor, lowest, highest);
      seen.waited = 0;
    }
  }

  [[nodiscard]] constexpr double gain(const state& seen) const { return seen.gain; }

  friend bool operator==(const plateau&, const plateau&) = default;
};

static_assert(check_supervision<plateau>());

}  // namespace localis::supervision
