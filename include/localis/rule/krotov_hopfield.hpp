#pragma once

#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/math/exponential.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// The rule of Krotov and Hopfield: the unit that responds most moves towards the input, the unit at rank k moves a
/// little away from it, and the others do not change.
///
///   W <- W + eta ( (1/P) G^T X - diag(c) W ),     c_o = (1/P) sum_p G(p,o) V(p,o)
///   V = X H^T,  H = sgn(W) |W|^(power - 1)        power 2: V = U
///   G(p,o) = 1 where V(p,o) is the largest of its row, -delta where it is the rank-th largest, else 0
///
/// Among equal responses the lower index ranks first. If there are fewer than `rank` units, none is pushed away. The
/// paper divides each step by its largest entry; use rule::max_abs_step for that.
///
/// Units:  delta, power dimensionless.
/// Cost:   4 P I FLOP (two gates of a row are not 0; where O is small, one GEMM instead), O(P O rank) for the ranks;
///         power other than 2: one more response, 2 P O I.
/// Limits: with power p a row's p-norm tends to 1. A unit that is never at rank 1 or `rank` does not change. An empty
///         row (x = 0) moves no weight, though its units are ranked as equals; with hebbian_bias it moves the biases of
///         two units.
/// Errors: config_error unless rank >= 2, delta finite and >= 0, power finite and >= 1.
/// Source: D. Krotov, J. Hopfield, PNAS 116 (2019) 7723. Ours: batch mean.
struct krotov_hopfield {
  static constexpr const char* name = "krotov_hopfield";
  std::size_t rank = 2;
  double delta = 0.4;
  double power = 2;

  template <class T, class Team = math::team_of_one>
  constexpr void gate_row(const T* v, T* gates, std::size_t units, const Team& team = {}) const {
    const math::ranked<T> first = math::largest(v, units, team);
    math::ranked<T> last = first;
    for (std::size_t place = 2; place <= rank && place <= units; ++place) {
      last = math::next_largest(v, units, last, team);
    }
    for (std::size_t o = team.lane(); o < units; o += team.lanes()) gates[o] = T(0);
    const auto set = [&](std::size_t o, T gate) {
      if (o < units && math::owns(team, o)) gates[o] = gate;  // a row of NaN has no such unit
    };
    if (units >= rank) set(last.place, -static_cast<T>(delta));
    set(first.place, T(1));
  }
  template <class T>
  constexpr T forget(T v) const {
    return v;
  }
  template <class T>
  constexpr T response_weight(T w) const {
    const T size = math::power_of_positive((std::abs)(w), static_cast<T>(power - 1));
    return w < T(0) ? -size : size;
  }
  [[nodiscard]] constexpr bool weighs_response() const { return power != 2; }
  [[nodiscard]] constexpr std::size_t active_gates() const { return 2; }
  void validate() const {
    expect(rank >= 2, "krotov_hopfield: rank", "at least 2", rank);
    expect(is_finite(delta) && delta >= 0, "krotov_hopfield: delta", "a finite number >= 0", delta);
    expect(is_finite(power) && power >= 1, "krotov_hopfield: power", "a finite number >= 1", power);
  }
  constexpr bool operator==(const krotov_hopfield&) const = default;
};

static_assert(local_rule<krotov_hopfield> && has_row_gate<krotov_hopfield> && has_response_weight<krotov_hopfield>);

}  // namespace localis::rule
