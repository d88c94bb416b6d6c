#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/cpu/packet.hpp>
#include <localis/config.hpp>

/// The transforms of Winograd's minimal filtering F(M x M, 3 x 3): with A = M + 2, a tile of A x A pixels d, a filter g
/// and M x M outputs y,
///
///   y = Y^T ((G g G^T) * (B^T d B)) Y,   where * multiplies element by element
///
/// B, G and Y follow from A points of a polynomial: 0, +-1 and infinity for M = 2, and 0, +-5/8, +-3/2 and infinity for
/// M = 4. The latter were chosen, in place of the usual +-1 and +-2, for small rounding errors; every constant of B and
/// Y is exact in binary.
///
/// Source: A. Lavin, S. Gray, CVPR 2016 (arXiv 1509.09308).
namespace localis::cpu::winograd {
inline namespace LOCALIS_CPU_THREADS {

using direct::load;
using direct::multiply_add;
using direct::packet;
using direct::unrolled;
using direct::width;

/// The transforms in one dimension, which are applied to the rows and then to the columns of a tile, or the other way
/// round. T is the scalar, P a packet of it.
template <std::size_t M>
struct transform;

template <>
struct transform<2> {
  /// The number of values of B^T d that are computed at a time, so that a tile stays in registers.
  static constexpr std::size_t columns = 4;

  /// B^T d
  template <class T, class P>
  [[gnu::always_inline]] static void whole(const P* d, P* v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }
  template <std::size_t, class T, class P>
  [[gnu::always_inline]] static void part(const P* d, P* v) {
    whole<T>(d, v);
  }
  /// Y^T m
  template <class T, class P>
  [[gnu::always_inline]] static void output(const P* m, P* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
  /// Y y
  template <class T, class P>
  [[gnu::always_inline]] static void error(const P* y, P* m) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = -y[1];
  }
  /// G g
  template <class T, class P>
  [[gnu::always_inline]] static void filter(const P* g, P* u) {
    const P half = g[1] * T(0.5);
    const P sum = (g[0] + g[2]) * T(0.5);
    u[0] = g[0];
    u[1] = sum + half;
    u[2] = sum - half;
    u[3] = g[2];
  }
  /// G^T u
  template <class T, class P>
  [[gnu::always_inline]] static void gradient(const P* u, P* g) {
    const P sum = (u[1] + u[2]) * T(0.5);
    g[0] = u[0] + sum;
    g[1] = (u[1] - u[2]) * T(0.5);
    g[2] = u[3] + sum;
  }
};

template <>
struct transform<4> {
  static constexpr std::size_t columns = 3;
  static constexpr double a = 0.625;
  static constexpr double b = 1.5;
  static constexpr double a2 = a * a;
  static constexpr double b2 = b * b;
  static constexpr double n0 = 1 / (a2 * b2);
  static constexpr double na = 1 / (2 * a2 * (a2 - b2));
  static constexpr double nb = 1 / (2 * b2 * (b2 - a2));

  template <class T, class P>
  [[gnu::always_inline]] static P plus(double factor, const P& x, const P& y) {
    return multiply_add(static_cast<T>(factor), x, y);
  }
  template <class T, class P>
  [[gnu::always_inline]] static P times(double factor, const P& x) {
    return x * static_cast<T>(factor);
  }
  /// The values at the points 0, a and -a, from d[0] ... d[4], if Part is 0; those at b, -b and infinity, from d[1] ...
  /// d[5], if it is 1.
  template <std::size_t Part, class T, class P>
  [[gnu::always_inline]] static void part(const P* d, P* v) {
    constexpr double other = Part == 0 ? b2 : a2;
    constexpr double point = Part == 0 ? a : b;
    const P even = plus<T>(-other, d[2], d[4]);
    const P odd = plus<T>(-other, d[1], d[3]);
    v[Part == 0 ? 1 : 0] = plus<T>(point, odd, even);
    v[Part == 0 ? 2 : 1] = plus<T>(-point, odd, even);
    const P* e = d + Part;
    v[Part == 0 ? 0 : 2] = plus<T>(a2 * b2, e[0], plus<T>(-(a2 + b2), e[2], e[4]));
  }
  template <class T, class P>
  [[gnu::always_inline]] static void whole(const P* d, P* v) {
    part<0, T>(d, v);
    part<1, T>(d, v + 3);
  }
  template <class T, class P>
  [[gnu::always_inline]] static void output(const P* m, P* y) {
    const P sum_a = m[1] + m[2];
    const P difference_a = m[1] - m[2];
    const P sum_b = m[3] + m[4];
    const P difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = plus<T>(b, difference_b, times<T>(a, difference_a));
    y[2] = plus<T>(b2, sum_b, times<T>(a2, sum_a));
    y[3] = plus<T>(b2 * b, difference_b, times<T>(a2 * a, difference_a)) + m[5];
  }
  template <class T, class P>
  [[gnu::always_inline]] static void error(const P* y, P* m) {
    const P even_a = plus<T>(a2, y[2], y[0]);
    const P odd_a = times<T>(a, plus<T>(a2, y[3], y[1]));
    const P even_b = plus<T>(b2, y[2], y[0]);
    const P odd_b = plus<T>(b2, y[3], y[1]);
    m[0] = y[0];
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = plus<T>(b, odd_b, even_b);
    m[4] = plus<T>(-b, odd_b, even_b);
    m[5] = y[3];
  }
  template <class T, class P>
  [[gnu::always_inline]] static void filter(const P* g, P* u) {
    const P even_a = times<T>(na, plus<T>(a2, g[2], g[0]));
    const P even_b = times<T>(nb, plus<T>(b2, g[2], g[0]));
    u[0] = times<T>(n0, g[0]);
    u[1] = plus<T>(na * a, g[1], even_a);
    u[2] = plus<T>(-na * a, g[1], even_a);
    u[3] = plus<T>(nb * b, g[1], even_b);
    u[4] = plus<T>(-nb * b, g[1], even_b);
    u[5] = g[2];
  }
  template <class T, class P>
  [[gnu::always_inline]] static void gradient(const P* u, P* g) {
    const P sum_a = u[1] + u[2];
    const P difference_a = u[1] - u[2];
    const P sum_b = u[3] + u[4];
    const P difference_b = u[3] - u[4];
    g[0] = plus<T>(n0, u[0], plus<T>(na, sum_a, times<T>(nb, sum_b)));
    g[1] = plus<T>(na * a, difference_a, times<T>(nb * b, difference_b));
    g[2] = plus<T>(na * a2, sum_a, plus<T>(nb * b2, sum_b, u[5]));
  }
};

/// v = B^T d B for one tile, where `pixel(i, j)` points to the channels of a pixel.
///   v: A A planes, `plane` elements apart, each with the tile's channels
template <std::size_t M, class T, class Pixel>
[[gnu::always_inline]] inline void transform_input(std::size_t channels, T* v, std::size_t plane, const Pixel& pixel) {
  constexpr std::size_t A = M + 2;
  constexpr std::size_t columns = transform<M>::columns;
  unrolled<A / columns>([&](auto part) __attribute__((always_inline)) {
    for (std::size_t next = 0; next < channels; next += width<T>) {
      const std::size_t c = (std::min)(next, channels - width<T>);  // the last channels may be computed twice
      packet<T> rows[A][columns];
      unrolled<A>([&](auto i) __attribute__((always_inline)) {
        packet<T> d[A];
        unrolled<A>([&](auto j) __attribute__((always_inline)) {
          if constexpr (M == 2 || (part() == 0 ? j() != A - 1 : j() != 0)) d[j] = load<T>(pixel(i, j) + c);
        });
        transform<M>::template part<part(), T>(d, rows[i]);
      });
      unrolled<columns>([&](auto j) __attribute__((always_inline)) {
        packet<T> d[A];
        packet<T> r[A];
        unrolled<A>([&](auto i) { d[i] = rows[i][j]; });
        transform<M>::template whole<T>(d, r);
        unrolled<A>([&](auto i) { direct::store<T>(r[i], v + (i * A + part * columns + j) * plane + c); });
      });
    }
  });
}

/// y = Y^T m Y for one vector of units of one tile; put(i, j, values) takes the output at a pixel.
template <std::size_t M, class T, class Put>
[[gnu::always_inline]] inline void transform_output(const T* m, std::size_t plane, const Put& put) {
  constexpr std::size_t A = M + 2;
  packet<T> half[M][A];
  unrolled<A>([&](auto j) __attribute__((always_inline)) {
    packet<T> d[A];
    packet<T> r[M];
    unrolled<A>([&](auto i) { d[i] = load<T>(m + (i * A + j) * plane); });
    transform<M>::template output<T>(d, r);
    unrolled<M>([&](auto i) { half[i][j] = r[i]; });
  });
  unrolled<M>([&](auto i) __attribute__((always_inline)) {
    packet<T> r[M];
    transform<M>::template output<T>(half[i], r);
    unrolled<M>([&](auto j) __attribute__((always_inline)) { put(i, j, r[j]); });
  });
}

/// m = Y y Y^T for one vector of units of one tile; get(i, j) returns the error at a pixel.
template <std::size_t M, class T, class Get>
[[gnu::always_inline]] inline void transform_error(T* m, std::size_t plane, const Get& get) {
  constexpr std::size_t A = M + 2;
  packet<T> half[A][M];
  unrolled<M>([&](auto j) __attribute__((always_inline)) {
    packet<T> e[M];
    packet<T> r[A];
    unrolled<M>([&](auto i) __attribute__((always_inline)) { e[i] = get(i, j); });
    transform<M>::template error<T>(e, r);
    unrolled<A>([&](auto i) { half[i][j] = r[i]; });
  });
  unrolled<A>([&](auto i) __attribute__((always_inline)) {
    packet<T> r[A];
    transform<M>::template error<T>(half[i], r);
    unrolled<A>([&](auto j) { direct::store<T>(r[j], m + (i * A + j) * plane); });
  });
}

/// u = G g G^T for filters whose values lie in planes.
///   weights: 9 planes of `size` values, a whole number of vectors,   u: A A planes, `plane` elements apart
template <std::size_t M, class T>
[[gnu::noinline]] void transform_filters(const T* weights, std::size_t size, T* u, std::size_t plane) {
  constexpr std::size_t A = M + 2;
  for (std::size_t k = 0; k < size; k += width<T>) {
    packet<T> half[A][3];
    unrolled<3>([&](auto j) __attribute__((always_inline)) {
      packet<T> g[3];
      packet<T> r[A];
      unrolled<3>([&](auto i) { g[i] = load<T>(weights + (i * 3 + j) * size + k); });
      transform<M>::template filter<T>(g, r);
      unrolled<A>([&](auto i) { half[i][j] = r[i]; });
    });
    unrolled<A>([&](auto i) __attribute__((always_inline)) {
      packet<T> r[A];
      transform<M>::template filter<T>(half[i], r);
      unrolled<A>([&](auto j) { direct::store<T>(r[j], u + (i * A + j) * plane + k); });
    });
  }
}

/// g = G^T u G, the transposed operation, for the sum u of `copies` arrays.
///   u: A A planes, `plane` elements apart; arrays are `step` elements apart,   gradient: 9 planes of `size` values
template <std::size_t M, class T>
[[gnu::noinline]] void transform_filter_sums(const T* u, std::size_t plane, std::size_t copies, std::size_t step,
                                             std::size_t size, T* gradient) {
  constexpr std::size_t A = M + 2;
  for (std::size_t k = 0; k < size; k += width<T>) {
    packet<T> half[3][A];
    unrolled<A>([&](auto j) __attribute__((always_inline)) {
      packet<T> e[A];
      packet<T> r[3];
      unrolled<A>([&](auto i) __attribute__((always_inline)) {
        const T* values = u + (i * A + j) * plane + k;
        e[i] = load<T>(values);
        for (std::size_t copy = 1; copy < copies; ++copy) e[i] += load<T>(values + copy * step);
      });
      transform<M>::template gradient<T>(e, r);
      unrolled<3>([&](auto i) { half[i][j] = r[i]; });
    });
    unrolled<3>([&](auto i) __attribute__((always_inline)) {
      packet<T> r[3];
      transform<M>::template gradient<T>(half[i], r);
      unrolled<3>([&](auto j) { direct::store<T>(r[j], gradient + (i * 3 + j) * size + k); });
    });
  }
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::winograd
