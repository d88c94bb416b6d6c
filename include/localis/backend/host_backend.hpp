#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <localis/core/memory.hpp>

namespace localis {

/// A few values that a backend sends to the host without the host waiting for them. If the backend's memory is the
/// host's own, they are available at once.
template <class T>
class host_readback {
 public:
  explicit host_readback(std::size_t size) : values_(size) {}

  void download_async(const T* source) { std::copy(source, source + values_.size(), values_.begin()); }
  [[nodiscard]] bool ready() const { return true; }
  /// Returns the values of the last download.
  [[nodiscard]] std::span<const T> read() const { return values_; }

 private:
  std::vector<T> values_;
};

/// The memory functions of backends that work in host memory. Copies share the memory and its counters.
class host_backend {
 public:
  using memory = host_memory;
  template <class T>
  using array = buffer<T, host_memory>;

  [[nodiscard]] memory_counters& counters() const { return memory_->counters(); }
  template <class T>
  [[nodiscard]] array<T> allocate(memory_kind kind, std::size_t size) const {
    return array<T>(memory_, kind, size);
  }
  template <class T>
  void upload(std::span<const T> source, T* target) const {
    std::copy(source.begin(), source.end(), target);
  }
  template <class T>
  void download(const T* source, std::span<T> target) const {
    std::copy(source, source + target.size(), target.begin());
  }
  template <class T>
  [[nodiscard]] host_readback<T> make_readback(std::size_t size) const {
    return host_readback<T>(size);
  }

 private:
  std::shared_ptr<host_memory> memory_ = std::make_shared<host_memory>();
};

}  // namespace localis
