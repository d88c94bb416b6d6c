#pragma once

#include <cstddef>

#include <localis/kernel/softmax.hpp>
#include <localis/loss/loss.hpp>

namespace localis::loss {

/// Softmax and cross entropy in one, stable for any finite logits.
///
///   loss = log sum_k exp(z_k) - z_label,     d loss / d z_k = softmax(z)_k - [k = label]
///
///   z  K logits per sample
///
/// Units:  nats, per sample.
/// Cost:   K exponentials and a logarithm per sample.
/// Source: as PyTorch's CrossEntropyLoss, without smoothing or weights.
struct softmax_cross_entropy {
  template <class T>
  constexpr T sample(const T* output, std::size_t size, const target<T>& wanted, T* gradient, T share) const {
    const T log_sum = kernel::softmax_row(output, gradient, size, T(1), share);
    gradient[wanted.label] -= share;
    return log_sum - output[wanted.label];
  }
};

static_assert(loss<softmax_cross_entropy>);

}  // namespace localis::loss
