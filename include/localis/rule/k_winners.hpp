#pragma once

#include <cstddef>

#include <localis/config.hpp>
#include <localis/core/error.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/team.hpp>
#include <localis/rule/rule.hpp>

namespace localis::rule {

/// The k units that respond most move towards the input; the others do not change.
///
///   W <- W + eta ( (1/P) Z^T X - diag(c) W ),    Z(p,o) = 1 if U(p,o) is among the k largest of its row, else 0
///
/// `winners` is k, a run-time value; 1 is winner-take-all. Among equal responses the lower index wins. If there are no
/// more than k units, all win. A row to which no unit responds (U(p,.) = 0, as at an empty margin) has no winner;
/// otherwise such rows would draw the first unit to 0.
///
/// Units:  winners in units of the layer.
/// Cost:   2 k P I FLOP (k gates of a row are not 0; where O is small, one GEMM instead) + O(P O k).
/// Limits: w_o tends to the mean of the inputs that unit o wins; a unit that never wins does not change. Of units with
///         equal weights, only the first learns. With a normalized signal an empty row is treated like any other.
/// Errors: config_error if winners is 0.
/// Source: competitive learning, dw = z (x - w) for the winners. Ours: batch mean, no winner if no unit responds.
struct k_winners {
  static constexpr const char* name = "k_winners";
  std::size_t winners = 1;

  template <class T, class Team = math::team_of_one>
  constexpr void gate_row(const T* u, T* gates, std::size_t units, const Team& team = {}) const {
    math::ranked<T> last = math::largest(u, units, team);
    const auto responds = [u](std::size_t o) { return u[o] == T(0) ? T(0) : T(1); };
    const bool any_responds = last.value != T(0) || math::largest_of<T>(units, responds, team) != T(0);
    for (std::size_t rank = 1; rank < winners && rank < units; ++rank) last = math::next_largest(u, units, last, team);
    using index = typename math::ranked<T>::index;
    const auto lanes = static_cast<index>(team.lanes());
    LOCALIS_VECTORIZE
    for (auto o = static_cast<index>(team.lane()); o < static_cast<index>(units); o += lanes) {
      gates[o] = any_responds && last.reached_by(u[o], o) ? T(1) : T(0);
    }
  }
  template <class T>
  constexpr T forget(T) const {
    return T(1);
  }
  [[nodiscard]] constexpr std::size_t active_gates() const { return winners; }
  void validate() const { expect(winners > 0, "k_winners: winners", "at least 1", winners); }
  constexpr bool operator==(const k_winners&) const = default;
};

static_assert(local_rule<k_winners> && has_row_gate<k_winners>);

/// k_winners with its default k = 1.
using winner_take_all = k_winners;

}  // namespace localis::rule
