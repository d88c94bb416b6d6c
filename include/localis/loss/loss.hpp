#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace localis::loss {

/// What one sample should give: a class, or a row of values where `values` is not null.
template <class T>
struct target {
  std::uint32_t label = 0;
  const T* values = nullptr;
};

/// A loss is a plain value with the loss of one sample and its gradient with respect to the network's output:
///
///   template <class T>
///   constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T share) const;
///
/// `gradient` (size elements) gets share * d loss / d output; with share = 1 / N that is the gradient of the mean loss.
template <class Loss>
concept loss = std::is_trivially_copyable_v<Loss> && requires(const Loss& l, const double* in, double* out) {
  { l.sample(in, std::size_t{}, target<double>{}, out, 1.0) } -> std::convertible_to<double>;
};

/// A batch's losses and their gradient, one sample in a call. Outputs from `judged` on take no part.
template <class T, class Loss>
struct of_samples {
  Loss loss;
  const T* output;  ///< samples x outputs
  std::size_t outputs;
  std::size_t judged;
  const std::uint32_t* labels;  ///< by sample, or null
  const T* targets;             ///< samples x outputs, or null
  T* gradient;                  ///< samples x outputs
  T share;
  T* losses;

  constexpr void operator()(std::size_t n) const {
    T* row = gradient + n * outputs;
    for (std::size_t k = judged; k < outputs; ++k) row[k] = T(0);
    const target<T> wanted{labels == nullptr ? 0U : labels[n], targets == nullptr ? nullptr : targets + n * outputs};
    losses[n] = loss.sample(output + n * outputs, judged, wanted, row, share);
  }
};

/// sum = the losses' sum, in double
template <class T>
struct sum_of_losses {
  const T* losses;
  std::size_t samples;
  double* sum;

  constexpr void operator()(std::size_t) const {
    double all = 0;
    for (std::size_t n = 0; n < samples; ++n) all += static_cast<double>(losses[n]);
    *sum = all;
  }
};

}  // namespace localis::loss
