#pragma once

#include <cmath>

#include <localis/loss/loss.hpp>

namespace localis::loss {

/// Softmax and cross entropy in one, stable for any finite logits.
///
///   loss = log sum_k exp(z_k) - z_label,     d loss / d z_k = softmax(z)_k - [k = label]
///
/// Units: nats, per sample.
struct softmax_cross_entropy {
  template <class T>
  T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T share) const {
    T top = output[0];
    for (std::size_t k = 1; k < size; ++k) top = output[k] > top ? output[k] : top;
    T sum = 0;
    for (std::size_t k = 0; k < size; ++k) sum += std::exp(output[k] - top);
    for (std::size_t k = 0; k < size; ++k) gradient[k] = share * std::exp(output[k] - top) / sum;
    gradient[wanted.label] -= share;
    return std::log(sum) + top - output[wanted.label];
  }
};

static_assert(loss<softmax_cross_entropy>);

}  // namespace localis::loss
