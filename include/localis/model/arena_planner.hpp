#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <localis/core/workspace.hpp>

namespace localis::detail {

/// Places arrays in one block of memory. Each array has a size and a lifetime, from one moment of a training step to
/// another, and arrays whose lifetimes do not overlap may share bytes.
class arena_planner {
 public:
  enum class use { activation, gradient, scratch };

  struct allocation {
    std::size_t bytes = 0;
    std::size_t first = 0;
    std::size_t last = 0;
    use kind = use::activation;
    std::size_t offset = 0;
  };

  /// Reserves an array that is alive at the moment `first` only, until extend() prolongs its lifetime. Returns its
  /// index.
  [[gnu::cold]] std::size_t add(std::size_t bytes, std::size_t first, use kind) {
    allocations_.push_back({workspace::round_up(bytes), first, first, kind, 0});
    return allocations_.size() - 1;
  }
  allocation& operator[](std::size_t index) { return allocations_[index]; }
  void extend(std::size_t index, std::size_t last) {
    allocations_[index].last = (std::max)(allocations_[index].last, last);
  }

  /// Gives every array its offset, the largest array first, each at the lowest offset that is free during its whole
  /// lifetime. Returns the size of the whole block in bytes.
  [[gnu::cold]] std::size_t place() {
    std::vector<std::size_t> order(allocations_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    // Not std::stable_sort, because that of libstdc++ 12 causes warnings with clang 16 and later.
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return allocations_[a].bytes != allocations_[b].bytes ? allocations_[a].bytes > allocations_[b].bytes : a < b;
    });
    std::vector<std::size_t> placed;  // by offset
    std::size_t end = 0;
    for (const std::size_t index : order) {
      allocation& chosen = allocations_[index];
      std::size_t offset = 0;
      for (const std::size_t other_index : placed) {
        const allocation& other = allocations_[other_index];
        if (other.first > chosen.last || other.last < chosen.first) continue;
        if (other.offset >= offset + chosen.bytes) break;
        offset = (std::max)(offset, other.offset + other.bytes);
      }
      chosen.offset = offset;
      end = (std::max)(end, offset + chosen.bytes);
      placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                     [this](std::size_t a, std::size_t b) {
                                       return allocations_[a].offset < allocations_[b].offset;
                                     }),
                    index);
    }
    return end;
  }

  /// The largest number of bytes that arrays of one kind of use occupy at the same moment.
  [[nodiscard]] std::size_t peak(use kind) const {
    std::size_t largest = 0;
    for (const allocation& start : allocations_) {  // the sum grows at these moments only
      std::size_t sum = 0;
      for (const allocation& other : allocations_) {
        if (other.kind == kind && other.first <= start.first && start.first <= other.last) sum += other.bytes;
      }
      largest = (std::max)(largest, sum);
    }
    return largest;
  }

 private:
  std::vector<allocation> allocations_{};
};

}  // namespace localis::detail
