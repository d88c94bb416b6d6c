#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <localis/core/constexpr_call.hpp>
#include <localis/core/finite.hpp>
#include <localis/kernel/largest.hpp>

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
/// Kernels call it, so it must be constexpr (core/constexpr_call.hpp).
/// The loss of outputs that are not finite is NaN, whatever the function says.
///
/// Optional, for a loss that is defined for some rows of targets only, both of these; the model throws data_error for
/// any other row:
///
///   static constexpr const char* takes = "rows that ...";                             // for the message
///   template <class T> constexpr bool takes_row(const T* values, std::size_t size) const;   // called on the host
template <class Loss>
concept loss = std::is_trivially_copyable_v<Loss> && requires(const Loss& l, const double* in, double* out) {
  { l.sample(in, std::size_t{}, target<double>{}, out, 1.0) } -> std::convertible_to<double>;
};

namespace detail {

LOCALIS_CONSTEXPR_CALL(check_sample, "localis: loss: sample",
                       Policy{}.sample(localis::detail::pair_of<T>{}.from, std::size_t{2},
                                       target<T>{0, localis::detail::values_of_row<T>},
                                       localis::detail::pair_of<T>{}.to, T(0.5)));

}  // namespace detail

template <class Loss>
concept has_takes = requires(const Loss& l, const double* row) {
  { Loss::takes } -> std::convertible_to<const char*>;
  { l.takes_row(row, std::size_t{}) } -> std::convertible_to<bool>;
};

// Half of that, or another signature, would be skipped without a word.
template <class Loss>
concept optional_members_fit = has_takes<Loss> || !(
    requires { Loss::takes; } || requires { &Loss::takes_row; } || requires { &Loss::template takes_row<double>; });

template <class T>
constexpr bool all_finite(const T* row, std::size_t size) {
  for (std::size_t k = 0; k < size; ++k) {
    if (!is_finite(row[k])) return false;
  }
  return true;
}

/// A batch's losses and their gradient, one sample in a call. Outputs from `judged` on take no part.
template <class T, class Loss>
struct of_samples {
  static_assert(std::is_default_constructible_v<Loss>,
                "localis: a loss must be default constructible: its sample() is tried at compile time");
  static_assert(detail::check_sample<Loss, T>());

  Loss loss;
  const T* output;  ///< samples x outputs
  std::size_t outputs;
  std::size_t judged;
  const std::uint32_t* labels;  ///< by sample, or null
  const T* targets;             ///< samples x outputs, or null
  T* gradient;                  ///< samples x outputs
  T share;
  std::size_t classes;  ///< of the data
  T* losses;
  T* hits;  ///< 1 where the largest output, among those of classes, is the label; else 0

  constexpr void operator()(std::size_t n) const {
    T* row = gradient + n * outputs;
    for (std::size_t k = judged; k < outputs; ++k) row[k] = T(0);
    const target<T> wanted{labels == nullptr ? 0U : labels[n], targets == nullptr ? nullptr : targets + n * outputs};
    const T* out = output + n * outputs;
    losses[n] = loss.sample(out, judged, wanted, row, share);
    if (!all_finite(out, judged)) losses[n] = std::numeric_limits<T>::quiet_NaN();
    hits[n] = T(labels != nullptr && kernel::place_of_largest(out, classes) == labels[n] ? 1 : 0);
  }
};

/// Sums over samples, in double: of losses, and of hits.
template <class T>
struct outcome {
  const T* losses;
  const T* hits;
  std::size_t samples;
  double* sums;

  constexpr void operator()(std::size_t) const {
    sums[0] = sums[1] = 0;
    for (std::size_t n = 0; n < samples; ++n) {
      sums[0] += static_cast<double>(losses[n]);
      sums[1] += static_cast<double>(hits[n]);
    }
  }
};

}  // namespace localis::loss
