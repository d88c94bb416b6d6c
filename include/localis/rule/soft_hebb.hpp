#pragma once

#include <cmath>
#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/softmax.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// SoftHebb: the unit that responds most learns by Hebb's rule and the others with the opposite sign, each weighted by
/// its softmax over the row.
///
///   W <- W + eta ( (1/P) S^T X - diag(c) W ),    c_o = (1/P) sum_p S(p,o) U(p,o)
///   S(p,o) = +y for the winner of row p, -y for the others,    y = softmax(sharpness U) over the row
///   eta_o = eta | |w_o| - 1 |^rate_power      rate_power 0 (the default): eta for all; the paper's is 0.5
///
/// The paper divides each step by its largest entry before it applies the rates of the units; use rule::max_abs_step
/// for that.
///
/// Units:  sharpness has the inverse of the unit of U. Among equal responses the lower index wins.
/// Cost:   one GEMM (2 P O I FLOP) + P O exponentials.
/// Limits: winners tend to norm 1 (as in oja); a row that mostly loses is pushed out instead. An empty row (x = 0)
///         moves no weight, though its first unit wins among equals; with hebbian_bias it moves the biases.
/// Errors: config_error unless sharpness is finite and > 0, rate_power finite and >= 0.
/// Source: A. Journe, H. Garcia Rodriguez, Q. Guo, T. Moraitis, ICLR 2023. Ours: batch mean.
struct soft_hebb {
  static constexpr const char* name = "soft_hebb";
  double sharpness = 1;
  double rate_power = 0;

  template <class T, class Team = math::team_of_one>
  constexpr void gate_row(const T* u, T* gates, std::size_t units, const Team& team = {}) const {
    const auto scale = static_cast<T>(sharpness);
    const math::ranked<T> winner = math::largest(u, units, team);
    math::softmax_below(scale * winner.value, u, gates, units, scale, T(-1), team);
    if (winner.place < units && math::owns(team, winner.place)) gates[winner.place] = -gates[winner.place];
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
  template <class T>
  constexpr T unit_rate(T norm) const {
    return std::pow((std::abs)(norm - T(1)), static_cast<T>(rate_power));
  }
  void validate() const {
    expect(is_finite(sharpness) && sharpness > 0, "soft_hebb: sharpness", "a finite number > 0", sharpness);
    expect(is_finite(rate_power) && rate_power >= 0, "soft_hebb: rate_power", "a finite number >= 0", rate_power);
  }
  constexpr bool operator==(const soft_hebb&) const = default;
};

static_assert(local_rule<soft_hebb> && has_row_gate<soft_hebb>);

}  // namespace localis::rule
