#include <cmath>
#include <cstddef>
#include <vector>

#include "support/bench.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::data;
using localis_test::norm;
using reference = lo::reference::backend<double>;

namespace {

template <std::size_t Units, class... Policies>
using one_layer = bench<lo::vector_input<data::inputs>,
                        lo::dense<Units, lo::no_bias, lo::rule::local<lo::rule::oja, Policies...>>, reference>;

std::vector<double> scaled(std::vector<double> v, double by) {
  for (double& x : v) x *= by;
  return v;
}

/// Norm of the weights of one unit after `steps` steps of oja from `start` times the top eigenvector, or the first
/// norm above 100.
template <class Guard>
double oja_norm(const data& d, double eta_lambda, double start, int steps) {
  one_layer<1, Guard> one(data::rows);
  one.set(scaled(d.top, start));
  for (int i = 0; i < steps; ++i) {
    one.step(d.x, eta_lambda / d.lambda);
    if (norm(one.weights()) > 100) break;
  }
  return norm(one.weights());
}

}  // namespace

TEST_CASE("oja: every unit tends to norm 1 and to the first principal direction") {
  const data d;
  one_layer<3, lo::rule::unguarded> one(data::rows);
  for (int i = 0; i < 4000; ++i) one.step(d.x, 0.1 / d.lambda);
  for (std::size_t o = 0; o < 3; ++o) {
    const auto row = one.weights().subspan(o * data::inputs, data::inputs);
    double cosine = 0;
    for (std::size_t i = 0; i < data::inputs; ++i) cosine += row[i] * d.top[i];
    CHECK(norm(row) == doctest::Approx(1).epsilon(1e-10));
    CHECK(std::abs(cosine) == doctest::Approx(1).epsilon(1e-10));
  }
}

TEST_CASE("oja: stable at norm 1 iff eta lambda < 1") {
  const data d;
  const double start = 1.001;
  CHECK(std::abs(oja_norm<lo::rule::unguarded>(d, 0.95, start, 300) - 1) < 1e-9);
  CHECK(std::abs(oja_norm<lo::rule::unguarded>(d, 1.05, start, 300) - 1) > 0.05);
}

TEST_CASE("oja: from afar it comes back only while eta lambda (|w|^2 - 1) < 2, and the clip brings it back anyway") {
  const data d;
  CHECK(oja_norm<lo::rule::unguarded>(d, 0.5, std::sqrt(4.99), 400) == doctest::Approx(1).epsilon(1e-9));
  CHECK(oja_norm<lo::rule::unguarded>(d, 0.5, std::sqrt(5.01), 400) > 100);
  CHECK(oja_norm<lo::rule::unguarded>(d, 0.5, 4, 400) > 100);
  CHECK(oja_norm<lo::rule::clip_scale>(d, 0.5, 4, 400) == doctest::Approx(1).epsilon(1e-9));
}
