#pragma once

#include <cstddef>
#include <cstdint>

#include <localis/config.hpp>
#include <localis/core/random.hpp>
#include <localis/math/select.hpp>

namespace localis::kernel {

/// Dropout: target = source / (1 - rate) if the random number of the element is at least `rate`, else 0. The number
/// depends only on the index of the element in the whole batch, so forward and backward draw the same mask on any
/// number of threads.
template <class T>
struct dropout {
  const T* source;
  T* target;
  std::size_t columns;
  random_stream random;
  double rate;
  std::size_t first = 0;  ///< place of the first row in the batch of all ranks

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T scale = static_cast<T>(1 / (1 - rate));
    // uniform(i) >= rate as integers, because AVX2 converts none of 64 bits to double.
    const double limit = rate * 0x1.0p53;
    const auto whole = static_cast<std::int64_t>(limit);
    const std::int64_t least = static_cast<double>(whole) < limit ? whole + 1 : whole;
    const std::size_t shift = first * columns;
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) {
      target[i] = math::select(random.uniform_bits(i + shift) >= least, source[i] * scale, T(0));
    }
  }
};

}  // namespace localis::kernel
