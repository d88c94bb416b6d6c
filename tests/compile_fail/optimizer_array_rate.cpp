// expect: measure or array_rate of an optimizer's step would be skipped. Expected both: constexpr T measure(T weight, T
// gradient, std::array<T, state_arrays>& state) const; constexpr double array_rate(double weight_norm, double
// measured_norm) const
#include <array>
#include <cstddef>

#include <localis/optimizer/optimizer.hpp>

struct by_norm {
  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 0;
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
