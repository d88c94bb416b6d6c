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
///   template <class T> T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T share)
///   const;
///
/// `gradient` (size elements) gets share * d loss / d output; with share = 1 / N that is the gradient of the mean loss.
template <class Loss>
concept loss = std::is_trivially_copyable_v<Loss> && requires(const Loss& l, const double* in, double* out) {
  { l.sample(in, std::size_t{}, target<double>{}, out, 1.0) } -> std::convertible_to<double>;
};

}  // namespace localis::loss
