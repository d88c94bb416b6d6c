#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/math/softmax.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// All units move towards the input, each weighted by its softmax over the row.
///
///   W <- W + eta ( (1/P) Z^T X - diag(c) W ),    Z = softmax(U / temperature) over each row
///
/// Units:  temperature has the unit of U. As it tends to 0, the rule becomes winner-take-all.
/// Cost:   one GEMM (2 P O I FLOP) + P O exponentials.
/// Limits: w_o tends to the mean of X weighted by Z(.,o); high temperatures make all rows alike. In an empty row
///         (x = 0) all units have Z = 1/O, which draws each towards 0: leave empty margins out of the data.
/// Errors: config_error unless temperature is finite and > 0.
/// Source: the softmax form of competitive learning, dw = z (x - w). Ours: batch mean.
struct soft_winner_take_all {
  static constexpr const char* name = "soft_winner_take_all";
  double temperature = 1;

  template <class T, class Team = math::team_of_one>
  constexpr void gate_row(const T* u, T* gates, std::size_t units, const Team& team = {}) const {
    math::softmax_row(u, gates, units, static_cast<T>(1 / temperature), T(1), team);
  }
  template <class T>
  constexpr T forget(T) const {
    return T(1);
  }
  void validate() const {
    expect(is_finite(temperature) && temperature > 0, "soft_winner_take_all: temperature", "a finite number > 0",
           temperature);
  }
  constexpr bool operator==(const soft_winner_take_all&) const = default;
};

static_assert(local_rule<soft_winner_take_all> && has_row_gate<soft_winner_take_all>);

}  // namespace localis::rule
