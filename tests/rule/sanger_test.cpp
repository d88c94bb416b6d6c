#include <cmath>
#include <cstddef>
#include <vector>

#include "support/bench.hpp"
#include "support/same_rule.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/sanger.hpp>

namespace lo = localis;
using lo::rule::sanger;
using localis_test::bench;
using localis_test::check_same;
using localis_test::components;
using localis_test::convolution;
using localis_test::data;
using localis_test::full;
using localis_test::normal;

namespace {

template <std::size_t Units>
using one_layer =
    bench<lo::vector_input<data::inputs>, lo::dense<Units, lo::no_bias, lo::rule::local<sanger, lo::rule::unguarded>>,
          lo::reference::backend<double>>;

double dot(const double* a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("sanger: with one unit it is oja") {
  using lo::rule::oja;
  using image = lo::image<6, 5, 2>;
  for (const std::size_t rows : {1U, 6U}) {
    check_same<sanger, oja, 1, lo::vector_input<6>, full<1>>(rows);
    check_same<sanger, oja, 1, image, convolution<1>>(rows);
  }
}

TEST_CASE("sanger: row o comes to the principal direction o") {
  const data d;
  constexpr std::size_t units = 4;
  one_layer<units> one(data::rows);
  for (int i = 0; i < 6000; ++i) one.step(d.x, 0.3 / d.lambda);
  const std::vector<double> w = one.copy();
  const auto directions = components(d.x, data::inputs, units);
  for (std::size_t o = 0; o < units; ++o) {
    CAPTURE(o);
    const double c = dot(w.data() + o * data::inputs, directions[o]);
    CHECK(std::abs(c) == doctest::Approx(1).epsilon(1e-9));
    for (std::size_t i = 0; i < data::inputs; ++i) {
      CHECK(std::abs(w[o * data::inputs + i] - (c > 0 ? 1 : -1) * directions[o][i]) < 1e-8);
    }
  }
}

TEST_CASE("sanger: a unit does not see those behind it") {
  const std::vector<double> x = normal(10 * data::inputs, 4);
  one_layer<3> one(10);
  const std::vector<double> start = one.copy();
  one.step(x, 0.1);
  const std::vector<double> all = one.copy();
  std::vector<double> other = start;
  for (std::size_t i = 0; i < data::inputs; ++i) other[2 * data::inputs + i] += 1;
  one.set(other);
  one.step(x, 0.1);
  for (std::size_t i = 0; i < 2 * data::inputs; ++i) CHECK(one.weights()[i] == all[i]);
}
