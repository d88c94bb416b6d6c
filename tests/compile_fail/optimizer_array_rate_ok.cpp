#include <array>
#include <cstddef>

#include <localis/optimizer/optimizer.hpp>

struct by_norm {
  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 0;
    constexpr T measure(T, T gradient, std::array<T, 0>&) const { return gradient; }
    constexpr double array_rate(double weight_norm, double gradient_norm) const { return weight_norm / gradient_norm; }
    constexpr T operator()(T, T gradient, std::array<T, 0>&, T rate) const { return -rate * gradient; }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {};
  }
  void validate() const {}
};

static_assert(localis::optimizer::check_calls<by_norm, float>());
