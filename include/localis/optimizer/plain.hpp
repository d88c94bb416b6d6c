#pragma once

#include <localis/optimizer/optimizer.hpp>

namespace localis::optimizer {

/// Plain gradient descent: w <- w - rate g. It has no state and throws no errors.
struct plain {
  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 0;
    constexpr T operator()(T, T gradient, std::array<T, 0>&, T rate) const { return -rate * gradient; }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {};
  }
  void validate() const {}
  constexpr bool operator==(const plain&) const = default;
};

static_assert(optimizer<plain>);

}  // namespace localis::optimizer
