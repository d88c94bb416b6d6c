#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#if defined(__FMA__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <localis/config.hpp>

/// Vector registers, written with the extension that g++ and clang share: `+` and `*` work on all values of a packet at
/// once. Only the fused multiply-add is an intrinsic, because whether compilers fuse `a * b + c` depends on their
/// options and tuning.
namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// The vector instructions that packets use.
#if defined(__AVX512F__)
inline constexpr const char* instructions = "AVX-512";
#elif defined(__AVX__) && defined(__FMA__)
inline constexpr const char* instructions = "AVX with FMA";
#elif defined(__AVX__)
inline constexpr const char* instructions = "AVX";
#elif defined(__aarch64__)
inline constexpr const char* instructions = "NEON";
#elif defined(__SSE2__)
inline constexpr const char* instructions = "SSE2";
#else
inline constexpr const char* instructions = "those of the compiler";
#endif

/// Size in bytes of the widest vector register that the compiler may use.
#if defined(__AVX512F__)
inline constexpr std::size_t packet_bytes = 64;
#elif defined(__AVX__)
inline constexpr std::size_t packet_bytes = 32;
#else
inline constexpr std::size_t packet_bytes = 16;
#endif

/// Whether there are 32 vector registers rather than 16; blocks of sums are sized to fill them.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool many_registers = true;
#else
inline constexpr bool many_registers = false;
#endif

namespace detail {

template <class T>
struct vector_register {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  using type [[gnu::vector_size(packet_bytes)]] = T;
  /// A vector at any address, which may alias an array of values.
  using unaligned [[gnu::vector_size(packet_bytes), gnu::aligned(alignof(T)), gnu::may_alias]] = T;
};

}  // namespace detail

/// A vector register of values.
template <class T>
using packet = typename detail::vector_register<T>::type;
/// The number of values in a packet.
template <class T>
inline constexpr std::size_t width = packet_bytes / sizeof(T);

/// Loads the packet at `values`, which need not be aligned.
template <class T>
[[gnu::always_inline]] inline packet<T> load(const T* values) {
  return *reinterpret_cast<const typename detail::vector_register<T>::unaligned*>(values);
}

/// Stores `vector` at `values`, which need not be aligned.
template <class T>
[[gnu::always_inline]] inline void store(packet<T> vector, T* values) {
  *reinterpret_cast<typename detail::vector_register<T>::unaligned*>(values) = vector;
}

/// Returns factors * values + sum, rounded only once if the machine has a fused multiply-add.
template <class T>
[[gnu::always_inline]] inline packet<T> multiply_add(packet<T> factors, packet<T> values, packet<T> sum) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) return _mm512_fmadd_ps(factors, values, sum);
  if constexpr (std::is_same_v<T, double>) return _mm512_fmadd_pd(factors, values, sum);
#elif defined(__FMA__)
  if constexpr (std::is_same_v<T, float>) return _mm256_fmadd_ps(factors, values, sum);
  if constexpr (std::is_same_v<T, double>) return _mm256_fmadd_pd(factors, values, sum);
#elif defined(__aarch64__)
  if constexpr (std::is_same_v<T, float>) return vfmaq_f32(sum, factors, values);
  if constexpr (std::is_same_v<T, double>) return vfmaq_f64(sum, factors, values);
#else
  return factors * values + sum;
#endif
}
template <class T>
[[gnu::always_inline]] inline packet<T> multiply_add(T factor, packet<T> values, packet<T> sum) {
  const packet<T> factors = factor - packet<T>{};  // x - 0 is x for every x, but -0 + 0 is 0
  return multiply_add<T>(factors, values, sum);
}

/// Calls f(0) ... f(N - 1), each index being a constant, so that sums indexed by it stay in registers.
template <std::size_t N, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) __attribute__((always_inline)) {
    (f(std::integral_constant<std::size_t, Is>{}), ...);
  }
  (std::make_index_sequence<N>{});
}

/// Returns the values of `a` and, from number `width` on, of `b` that have these numbers. Compilers make it a shuffle.
template <class T, std::size_t... Js>
[[gnu::always_inline]] inline packet<T> shuffle(packet<T> a, packet<T> b, std::index_sequence<Js...>) {
  return packet<T>{(Js < width<T> ? a[Js % width<T>] : b[Js % width<T>])...};
}

/// Calls f(H, numbers) with the constants H = width / 2, width / 4 ... 1 and 0 ... width - 1.
template <class T, class F>
[[gnu::always_inline]] inline void for_halves(const F& f) {
  unrolled<4>([&](auto level) __attribute__((always_inline)) {
    constexpr std::size_t H = std::size_t{8} >> level;
    if constexpr (H < width<T>) f(std::integral_constant<std::size_t, H>{}, std::make_index_sequence<width<T>>{});
  });
}

/// Returns the sum of all values.
template <class T>
[[gnu::always_inline]] inline T sum(packet<T> values) {
  for_halves<T>([&]<std::size_t... Js>(auto H, std::index_sequence<Js...>) __attribute__((always_inline)) {
    values += shuffle<T>(values, values, std::index_sequence<(Js ^ H())...>{});
  });
  return values[0];
}

/// Transposes a square of width x width values.
template <class T>
[[gnu::always_inline]] inline void transpose(packet<T>* rows) {
  // Each pass exchanges the squares of H x H values off the diagonals of squares of 2H x 2H.
  for_halves<T>([&]<std::size_t... Js>(auto H, std::index_sequence<Js...>) __attribute__((always_inline)) {
    constexpr std::size_t side = H();
    unrolled<width<T>>([&](auto r) __attribute__((always_inline)) {
      if constexpr ((r & side) == 0) {
        const packet<T> a = rows[r];
        const packet<T> b = rows[r + side];
        rows[r] = shuffle<T>(a, b, std::index_sequence<((Js & side) == 0 ? Js : width<T> + Js - side)...>{});
        rows[r + side] = shuffle<T>(a, b, std::index_sequence<((Js & side) == 0 ? Js + side : width<T> + Js)...>{});
      }
    });
  });
}

/// Calls f(0, values[0]) ... f(N - 1, values[N - 1]), each index being a constant, for factors of multiply_add. NEON
/// multiplies by any value of a register and so loads whole registers of factors. As single values, which g++ loads
/// early, each factor would hold a register, and sums would be spilled to memory.
template <std::size_t N, class T, class F>
[[gnu::always_inline]] inline void unrolled_factors(const T* values, const F& f) {
#if defined(__aarch64__)
  if constexpr (N % width<T> == 0) {
    unrolled<N / width<T>>([&](auto part) __attribute__((always_inline)) {
      const packet<T> factors = load(values + part * width<T>);
      unrolled<width<T>>([&](auto i) __attribute__((always_inline)) {
        f(std::integral_constant<std::size_t, part * width<T> + i>{}, factors[i()]);
      });
    });
    return;
  }
#endif
  unrolled<N>([&](auto i) __attribute__((always_inline)) { f(i, values[i]); });
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
