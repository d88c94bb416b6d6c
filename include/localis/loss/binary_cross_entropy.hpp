#pragma once

#include <cmath>
#include <cstddef>

#include <localis/loss/loss.hpp>
#include <localis/math/exponential.hpp>
#include <localis/math/team.hpp>

namespace localis::loss {

/// Sigmoid and cross entropy in one function, stable for any finite logits: each output is a yes or no of its own, as
/// for samples with several labels. The mean over the outputs of one sample. If the data has no target rows, the target
/// is the unit vector of the label.
///
///   loss = (1/K) sum_k (log(1 + exp(z_k)) - t_k z_k),     d loss / d z_k = (1/K) (sigmoid(z_k) - t_k)
///
///   z, t  K values per sample: logits, and targets from 0 to 1
///
/// Units:  nats, per output.
/// Cost:   K exponentials and K logarithms per sample.
/// Errors: data_error for a target row with a value that is not in [0, 1].
/// Source: as PyTorch's BCEWithLogitsLoss, without weights.
struct binary_cross_entropy {
  template <class T, class Team = math::team_of_one>
  constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T scale,
                     const Team& team = {}) const {
    const T inv_count = T(1) / static_cast<T>(size);
    T sum = 0;
    for (std::size_t k = team.lane(); k < size; k += team.lanes()) {
      const T goal = wanted.values != nullptr ? wanted.values[k] : (k == wanted.label ? T(1) : T(0));
      const T z = output[k];
      const bool positive = z > 0;
      // exp(-|z|) does not overflow: log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)).
      const T tail = math::exp_of_negative(positive ? -z : z);
      sum += (positive ? z : T(0)) - goal * z + std::log1p(tail);
      gradient[k] = scale * inv_count * ((positive ? T(1) : tail) / (T(1) + tail) - goal);
    }
    return inv_count * team.sum(sum);
  }

  static constexpr const char* takes = "numbers from 0 to 1";
  template <class T>
  constexpr bool takes_row(const T* values, std::size_t size) const {
    for (std::size_t k = 0; k < size; ++k) {
      if (!(values[k] >= 0 && values[k] <= 1)) return false;
    }
    return true;
  }
};

static_assert(loss<binary_cross_entropy> && has_takes<binary_cross_entropy>);

}  // namespace localis::loss
