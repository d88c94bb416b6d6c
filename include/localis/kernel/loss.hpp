#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <localis/core/unlabelled.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/loss/loss.hpp>
#include <localis/math/largest.hpp>
#include <localis/math/team.hpp>

namespace localis::kernel {

/// The mean of the losses of a batch; NaN if no sample of it is labelled.
constexpr double mean_loss(double sum, std::size_t labelled) {
  return labelled > 0 ? sum / static_cast<double>(labelled) : std::numeric_limits<double>::quiet_NaN();
}

/// The losses of a batch and their gradient, one sample per call, and the sums of the losses and of the hits: samples
/// whose largest output among the classes is their label. Only the first `active_outputs` outputs take part. A sample
/// that is data::unlabelled has no loss and a gradient of 0.
template <class T, class Loss>
struct sample_losses {
  static_assert(std::is_default_constructible_v<Loss>,
                "localis: a loss must be default constructible: its sample() is tried at compile time");
  static_assert(loss::check_calls<Loss, T>());

  Loss function;
  const T* output;  ///< samples x outputs
  std::size_t outputs;
  std::size_t active_outputs;
  const std::uint32_t* labels;  ///< one per sample, or null
  const T* targets;             ///< samples x outputs, or null
  T* gradient;                  ///< samples x outputs
  T scale;
  std::size_t classes;  ///< number of classes of the data
  double* sums;         ///< the two sums

  static constexpr reduction kind = reduction::sum;
  template <class Team = math::team_of_one>
  requires math::admitted<Team, loss::has_team_sample<Loss>>
  constexpr std::array<double, 2> operator()(std::size_t n, const Team& team = {}) const {
    T* row = gradient + n * outputs;
    const bool labelled = labels == nullptr || labels[n] != data::unlabelled;
    for (std::size_t k = (labelled ? active_outputs : 0) + team.lane(); k < outputs; k += team.lanes()) row[k] = T(0);
    if (!labelled) return {0, 0};
    const loss::target<T> wanted{labels == nullptr ? 0U : labels[n],
                                 targets == nullptr ? nullptr : targets + n * outputs};
    const T* out = output + n * outputs;
    double loss = 0;
    if constexpr (loss::has_team_sample<Loss>) {
      loss = static_cast<double>(function.sample(out, active_outputs, wanted, row, scale, team));
    } else {
      loss = static_cast<double>(function.sample(out, active_outputs, wanted, row, scale));
    }
    if (!loss::all_finite(out, active_outputs, team)) loss = std::numeric_limits<double>::quiet_NaN();
    return {loss, labels != nullptr && math::place_of_largest(out, classes, team) == labels[n] ? 1.0 : 0.0};
  }
  constexpr void finish(const std::array<double, 2>& totals) const {
    sums[0] = totals[0];
    sums[1] = totals[1];
  }
};

}  // namespace localis::kernel
