#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/scheduler/growth.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// The boundary moves fast at first and then ever more slowly: in every epoch it covers the same fraction of the
/// remaining distance.
///
///   T(e) = min( highest, floor( last * (1 - exp(-(e - begin) / tau)) ) ),   0 up to `begin`
///
/// `last` is an asymptote, so T reaches stage n < last after tau ln(last / (last - n)) epochs; `last` may lie beyond
/// the network. By default it is one more than the highest boundary that the network allows, and T reaches that
/// boundary after tau ln(highest + 1) epochs.
///
/// Units:  begin and tau in epochs, last in stages. To cover the fraction a of the remaining distance per epoch, set
///         tau = -1 / ln(1 - a).
/// Errors: start() throws config_error unless tau is finite and above 0.
/// Source: after the upper bound of the freezing schedule of C. He et al., PipeTransformer, arXiv 2102.03161 (2021),
///         L_t = L_(t-1) + a (L - L_(t-1)), that is L (1 - (1 - a)^t); the closed form is that of the authors'
///         published code, which rounds up. What differs is ours: it rounds down, has `begin`, and takes no minimum
///         with gradient norms (see autofreeze).
struct exponential_approach {
  double tau = 3;
  std::size_t begin = 0;       ///< epoch at which T starts to move
  std::size_t last = highest;  ///< asymptote

  /// The highest boundary of this run, and the value of `last` in it.
  struct run_state {
    std::size_t highest = 0;
    std::size_t last = 0;
    friend bool operator==(const run_state&, const run_state&) = default;
  };
  run_state state{};

  void start(const schedule_limits& limits) {
    expect(is_finite(tau) && tau > 0, "scheduler::exponential_approach.tau", "a finite number of epochs above 0", tau);
    state.highest = limits.highest;
    state.last = last == highest ? limits.highest + 1 : last;
  }

  [[nodiscard]] double value(std::size_t epoch) const {
    if (epoch <= begin) return 0;
    return static_cast<double>(state.last) * -std::expm1(-static_cast<double>(epoch - begin) / tau);
  }

  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t) const {
    return (std::min)(whole_boundary(value(epoch)), state.highest);
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return boundary(epoch, 0); }

  friend bool operator==(const exponential_approach&, const exponential_approach&) = default;
};

static_assert(check_scheduler<exponential_approach>());

}  // namespace localis::scheduler
