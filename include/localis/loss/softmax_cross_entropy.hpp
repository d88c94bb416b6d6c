#pragma once

#include <cstddef>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/loss/loss.hpp>
#include <localis/math/softmax.hpp>
#include <localis/math/team.hpp>

namespace localis::loss {

/// Softmax and cross entropy in one function, stable for any finite logits.
///
///   loss = log sum_k exp(z_k) - z_label,                d loss / d z_k = softmax(z)_k - [k = label]
///
/// and if the data has target rows, which must be distributions over the outputs (sum_k t_k = 1, t_k >= 0):
///
///   loss = sum_k t_k (log sum_j exp(z_j) - z_k),        d loss / d z_k = softmax(z)_k - t_k
///
///   z, t  K values per sample: logits, targets
///
/// Label smoothing replaces the target t, which is the unit vector of a label, by (1 - smoothing) t + smoothing / K.
///
/// Options: smoothing  from 0 (none) to 1 (all outputs alike)
/// Units:  nats, per sample.
/// Cost:   K exponentials and a logarithm per sample.
/// Errors: data_error for a target row that is not a distribution; config_error for a smoothing out of its range.
/// Source: as PyTorch's CrossEntropyLoss, without weights. Smoothing: C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens,
///         Z. Wojna, arXiv 1512.00567 (2015), section 7.
struct softmax_cross_entropy {
  double smoothing = 0;

  void validate() const {
    expect(smoothing >= 0 && smoothing <= 1, "softmax_cross_entropy: smoothing", "0 to 1", smoothing);
  }

  template <class T, class Team = math::team_of_one>
  constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T scale,
                     const Team& team = {}) const {
    const T log_sum = math::softmax_row(output, gradient, size, T(1), scale, team);
    if (wanted.values == nullptr && smoothing == 0) {
      if (math::owns(team, wanted.label)) gradient[wanted.label] -= scale;
      return log_sum - output[wanted.label];
    }
    const auto kept = static_cast<T>(1 - smoothing);
    const auto share = static_cast<T>(smoothing / static_cast<double>(size));
    T sum = 0;
    for (std::size_t k = team.lane(); k < size; k += team.lanes()) {
      const T given = wanted.values != nullptr ? wanted.values[k] : (k == wanted.label ? T(1) : T(0));
      const T goal = kept * given + share;
      gradient[k] -= scale * goal;
      sum += goal * (log_sum - output[k]);
    }
    return team.sum(sum);
  }

  static constexpr const char* takes = "a distribution: numbers >= 0 that add up to 1";
  template <class T>
  constexpr bool takes_row(const T* values, std::size_t size) const {
    double sum = 0;
    for (std::size_t k = 0; k < size; ++k) {
      if (!is_finite(values[k]) || values[k] < 0) return false;
      sum += static_cast<double>(values[k]);
    }
    return sum > 1 - 1e-3 && sum < 1 + 1e-3;
  }
};

static_assert(loss<softmax_cross_entropy> && has_takes<softmax_cross_entropy> &&
              optional_members_fit<softmax_cross_entropy>);

}  // namespace localis::loss
