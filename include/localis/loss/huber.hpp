#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/loss/loss.hpp>
#include <localis/math/team.hpp>

namespace localis::loss {

/// The mean over the outputs of one sample of a loss that is quadratic for small differences and linear for large ones,
/// so that outliers pull with a bounded force. If the data has no target rows, the target is the unit vector of the
/// label.
///
///   loss = (1/K) sum_k h(z_k - t_k),                  d loss / d z_k = (1/K) clamp(z_k - t_k, -delta, delta)
///
///   h(d) = d^2 / 2                        where |d| <= delta
///          delta (|d| - delta / 2)        elsewhere
///   z, t   K values per sample
///
/// Units:  those of the output, squared; delta has those of the output.
/// Cost:   O(K) per sample.
/// Errors: config_error for a delta that is not a finite number > 0.
/// Source: P. J. Huber, Ann. Math. Statist. 35 (1964) 73; the mean over K makes it the loss of PyTorch's HuberLoss.
struct huber {
  double delta = 1;

  void validate() const { expect(is_finite(delta) && delta > 0, "huber: delta", "a finite number > 0", delta); }

  template <class T, class Team = math::team_of_one>
  constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T scale,
                     const Team& team = {}) const {
    const T inv_count = T(1) / static_cast<T>(size);
    const auto limit = static_cast<T>(delta);
    T sum = 0;
    for (std::size_t k = team.lane(); k < size; k += team.lanes()) {
      const T goal = wanted.values != nullptr ? wanted.values[k] : (k == wanted.label ? T(1) : T(0));
      const T difference = output[k] - goal;
      const T clamped = difference > limit ? limit : (difference < -limit ? -limit : difference);
      sum += clamped * (difference - clamped / 2);  // both cases of h
      gradient[k] = scale * inv_count * clamped;
    }
    return inv_count * team.sum(sum);
  }
};

static_assert(loss<huber> && optional_members_fit<huber>);

}  // namespace localis::loss
