#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <localis/core/communicator.hpp>

namespace localis_test {

/// Other ranks, and a count of what they add up.
template <localis::communicator Ranks>
class counting_ranks {
 public:
  explicit counting_ranks(const Ranks& ranks) : ranks_(ranks) {}

  [[nodiscard]] std::size_t rank() const { return ranks_.rank(); }
  [[nodiscard]] std::size_t size() const { return ranks_.size(); }
  [[nodiscard]] bool first() const { return ranks_.first(); }
  [[nodiscard]] std::string host() const { return ranks_.host(); }
  template <class T>
  void sum(std::span<T> values) const {
    bytes_ += values.size_bytes();
    ranks_.sum(values);
  }
  template <class T>
  [[nodiscard]] std::size_t begin_sum(std::span<T> values) const {
    bytes_ += values.size_bytes();
    return ranks_.begin_sum(values);
  }
  [[nodiscard]] bool done(std::size_t number) const { return ranks_.done(number); }
  void progress() const { ranks_.progress(); }
  [[nodiscard]] std::vector<std::string> gather(const std::string& own) const { return ranks_.gather(own); }

  /// The bytes of all arrays that this rank has added up.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  const Ranks& ranks_;
  mutable std::size_t bytes_ = 0;
};

}  // namespace localis_test
