#pragma once

#include <cstddef>

namespace localis {

/// Hands out arrays from one piece of scratch memory, one after the other, each aligned to a cache line. A workspace
/// without memory only measures, so that one function both plans and uses the scratch memory.
class workspace {
 public:
  static constexpr std::size_t alignment = 64;

  constexpr workspace() = default;
  constexpr explicit workspace(std::byte* base) : base_(base) {}

  template <class T>
  [[nodiscard]] T* take(std::size_t size) {
    std::byte* piece = base_ == nullptr ? nullptr : base_ + used_;
    used_ += round_up(size * sizeof(T));
    return reinterpret_cast<T*>(piece);
  }
  [[nodiscard]] constexpr std::size_t used() const { return used_; }

  [[nodiscard]] static constexpr std::size_t round_up(std::size_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  }

 private:
  std::byte* base_ = nullptr;
  std::size_t used_ = 0;
};

/// The larger of two workspaces that have measured pieces which are not used at the same time.
[[nodiscard]] constexpr workspace larger(const workspace& a, const workspace& b) { return a.used() < b.used() ? b : a; }

}  // namespace localis
