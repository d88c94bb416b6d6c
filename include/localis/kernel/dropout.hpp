#pragma once

#include <cstddef>

#include <localis/core/random.hpp>

namespace localis::kernel {

/// Dropout: target = source / (1 - rate) if the random number of the element is at least `rate`, else 0. The number
/// depends only on the index of the element, so forward and backward draw the same mask on any number of threads.
template <class T>
struct dropout {
  const T* source;
  T* target;
  std::size_t columns;
  random_stream random;
  double rate;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    const T scale = static_cast<T>(1 / (1 - rate));
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) {
      target[i] = random.uniform(i) >= rate ? source[i] * scale : T(0);
    }
  }
};

}  // namespace localis::kernel
