#pragma once

#include <cstddef>
#include <functional>

namespace examples {

/// The gain of local steps that fall with the learning rate, as a fraction of its highest value. Learning rates are
/// asked on the host, and so is this: it is not trivially copyable.
struct with_learning_rate {
  std::function<double(std::size_t)> fraction;  ///< by step

  struct state {
    std::size_t step = 0;
  };
  void observe(state& seen, double) const { ++seen.step; }
  [[nodiscard]] double gain(const state& seen) const { return fraction(seen.step); }
};

}  // namespace examples
