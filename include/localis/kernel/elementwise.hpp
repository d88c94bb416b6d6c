#pragma once

#include <cstddef>

#include <localis/config.hpp>

namespace localis::kernel {

/// to = from
template <class T>
struct copy {
  const T* from;
  T* to;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) to[i] = from[i];
  }
};

/// to = a + b; `to` may be `a`.
template <class T>
struct add {
  const T* a;
  const T* b;
  T* to;
  std::size_t columns;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) to[i] = a[i] + b[i];
  }
};

/// y = f(x), element by element; y may be x.
template <class T, class Function>
struct activate {
  const T* x;
  T* y;
  std::size_t columns;
  Function function;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) y[i] = function(x[i]);
  }
};

/// dx = dy f'(x), with the slope as a function of the output y = f(x); dx may be dy.
template <class T, class Function>
struct activate_gradient {
  const T* y;
  const T* dy;
  T* dx;
  std::size_t columns;
  Function function;

  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    LOCALIS_VECTORIZE
    for (std::size_t i = row * columns + begin; i < row * columns + end; ++i) dx[i] = dy[i] * function.slope(y[i]);
  }
};

}  // namespace localis::kernel
