#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <Eigen/Core>

#include <localis/config.hpp>

namespace localis::cpu::direct {
inline namespace LOCALIS_CPU_THREADS {

/// As many values as one vector register holds.
template <class T>
using packet = typename Eigen::internal::packet_traits<T>::type;
template <class T>
inline constexpr std::size_t width = Eigen::internal::unpacket_traits<packet<T>>::size;

/// Whether there are 32 vector registers (AVX-512, NEON) rather than 16: blocks of sums are chosen to fill them.
inline constexpr bool many_registers = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32;

/// f(0) ... f(N - 1), each index a constant: sums then live in registers.
template <std::size_t N, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) { (f(std::integral_constant<std::size_t, Is>{}), ...); }
  (std::make_index_sequence<N>{});
}

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu::direct
