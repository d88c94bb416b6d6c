#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <localis/loss/loss.hpp>
#include <localis/math/largest.hpp>

namespace localis::kernel {

/// The losses of a batch and their gradient, one sample per call. Only the first `active_outputs` outputs take part.
template <class T, class Loss>
struct sample_losses {
  static_assert(std::is_default_constructible_v<Loss>,
                "localis: a loss must be default constructible: its sample() is tried at compile time");
  static_assert(loss::detail::check_sample<Loss, T>());

  Loss function;
  const T* output;  ///< samples x outputs
  std::size_t outputs;
  std::size_t active_outputs;
  const std::uint32_t* labels;  ///< one per sample, or null
  const T* targets;             ///< samples x outputs, or null
  T* gradient;                  ///< samples x outputs
  T scale;
  std::size_t classes;  ///< number of classes of the data
  T* losses;
  T* correct;  ///< one per sample: 1 if the largest output among the classes is the label, else 0

  constexpr void operator()(std::size_t n) const {
    T* row = gradient + n * outputs;
    for (std::size_t k = active_outputs; k < outputs; ++k) row[k] = T(0);
    const loss::target<T> wanted{labels == nullptr ? 0U : labels[n],
                                 targets == nullptr ? nullptr : targets + n * outputs};
    const T* out = output + n * outputs;
    losses[n] = function.sample(out, active_outputs, wanted, row, scale);
    if (!loss::all_finite(out, active_outputs)) losses[n] = std::numeric_limits<T>::quiet_NaN();
    correct[n] = T(labels != nullptr && math::place_of_largest(out, classes) == labels[n] ? 1 : 0);
  }
};

/// Sums the losses and the correct predictions over samples, in double.
template <class T>
struct sum_losses {
  const T* losses;
  const T* correct;
  std::size_t samples;
  double* sums;

  constexpr void operator()(std::size_t) const {
    sums[0] = sums[1] = 0;
    for (std::size_t n = 0; n < samples; ++n) {
      sums[0] += static_cast<double>(losses[n]);
      sums[1] += static_cast<double>(correct[n]);
    }
  }
};

}  // namespace localis::kernel
