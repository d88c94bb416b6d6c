#pragma once

#include <cstddef>

namespace localis_test {

/// The extents of other data: the base of data that changes what is read. Data may be a reference.
template <class Data>
struct same_extents {
  Data real;

  [[nodiscard]] std::size_t size() const { return real.size(); }
  [[nodiscard]] std::size_t height() const { return real.height(); }
  [[nodiscard]] std::size_t width() const { return real.width(); }
  [[nodiscard]] std::size_t channels() const { return real.channels(); }
  [[nodiscard]] std::size_t classes() const { return real.classes(); }
};

}  // namespace localis_test
