#pragma once

#include <cstddef>

namespace localis::kernel {

/// N contiguous values of an array, which a GPU loads or stores with one instruction.
template <class T, std::size_t N>
struct alignas(N * sizeof(T)) pack {
  T values[N];

  constexpr T& operator[](std::size_t i) { return values[i]; }
  constexpr const T& operator[](std::size_t i) const { return values[i]; }
};

/// Loads the N values at `source`, which must be aligned to their size.
template <std::size_t N, class T>
constexpr pack<T, N> load_pack(const T* source) {
#if defined(__CUDA_ARCH__)
  return *reinterpret_cast<const pack<T, N>*>(source);
#else
  pack<T, N> loaded{};
  for (std::size_t i = 0; i < N; ++i) loaded[i] = source[i];
  return loaded;
#endif
}

/// Stores N values at `target`, which must be aligned to their size.
template <class T, std::size_t N>
constexpr void store_pack(const pack<T, N>& stored, T* target) {
#if defined(__CUDA_ARCH__)
  *reinterpret_cast<pack<T, N>*>(target) = stored;
#else
  for (std::size_t i = 0; i < N; ++i) target[i] = stored[i];
#endif
}

}  // namespace localis::kernel
