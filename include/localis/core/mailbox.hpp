#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace localis {

/// A few values on their way from a backend's memory to the host, so that the host need not wait for them. Where memory
/// is the host's own they are there at once.
template <class T>
class host_mailbox {
 public:
  explicit host_mailbox(std::size_t size) : values_(size) {}

  void post(const T* from) { std::copy(from, from + values_.size(), values_.begin()); }
  [[nodiscard]] bool arrived() const { return true; }
  /// What was posted last; waits for it.
  [[nodiscard]] std::span<const T> read() const { return values_; }

 private:
  std::vector<T> values_;
};

}  // namespace localis
