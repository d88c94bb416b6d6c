#pragma once

#include <cstddef>

#include <localis/loss/loss.hpp>
#include <localis/math/team.hpp>

namespace localis::loss {

/// The mean of the squared differences over the outputs of one sample. If the data has no target rows, the target is
/// the unit vector of the label.
///
///   loss = (1/K) sum_k (z_k - t_k)^2,     d loss / d z_k = (2/K) (z_k - t_k)
///
///   z, t  K values per sample
///
/// Units:  those of the output, squared; the mean over K makes it the loss of PyTorch's MSELoss.
/// Cost:   O(K) per sample.
struct mean_squared_error {
  template <class T, class Team = math::team_of_one>
  constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T scale,
                     const Team& team = {}) const {
    const T inv_count = T(1) / static_cast<T>(size);
    T sum = 0;
    for (std::size_t k = team.lane(); k < size; k += team.lanes()) {
      const T goal = wanted.values != nullptr ? wanted.values[k] : (k == wanted.label ? T(1) : T(0));
      const T difference = output[k] - goal;
      sum += difference * difference;
      gradient[k] = scale * 2 * inv_count * difference;
    }
    return inv_count * team.sum(sum);
  }
};

static_assert(loss<mean_squared_error>);

}  // namespace localis::loss
