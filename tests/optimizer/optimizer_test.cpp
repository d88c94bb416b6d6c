#include <array>
#include <cstddef>

#include <doctest/doctest.h>

#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/optimizer.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/sgd.hpp>

namespace lopt = localis::optimizer;

namespace {

/// One of one's own: steps of the rate, against the gradient's sign.
struct by_sign {
  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 0;
    constexpr T operator()(T, T gradient, std::array<T, 0>&, T rate) const {
      return gradient > T(0) ? -rate : gradient < T(0) ? rate : T(0);
    }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {};
  }
  void validate() const {}
};
struct without_validate {
  template <class T>
  using step = by_sign::step<T>;
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {};
  }
};
struct without_prepare {
  template <class T>
  using step = by_sign::step<T>;
  void validate() const {}
};

static_assert(lopt::optimizer<lopt::plain> && lopt::optimizer<lopt::sgd> && lopt::optimizer<lopt::adam>);
static_assert(lopt::optimizer<by_sign> && !lopt::optimizer<without_validate> && !lopt::optimizer<without_prepare>);

}  // namespace

TEST_CASE("optimizer: one of one's own, whose functions kernels may call") {
  static_assert(lopt::check_calls<by_sign, float>() && lopt::check_calls<by_sign, double>());
  static_assert(lopt::check_calls<lopt::plain, float>() && lopt::check_calls<lopt::sgd, float>());
  static_assert(lopt::check_calls<lopt::adam, float>());
  std::array<double, 0> none{};
  CHECK(by_sign{}.prepare<double>(1)(5.0, -3.0, none, 0.1) == 0.1);
}
