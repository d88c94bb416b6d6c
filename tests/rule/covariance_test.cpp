#include <cstddef>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>

namespace lo = localis;
using localis_test::bench;
using localis_test::deviation;
using localis_test::normal;
using reference = lo::reference::backend<double>;

namespace {

template <class Rule>
using one_layer =
    bench<lo::vector_input<6>, lo::dense<4, lo::no_bias, lo::rule::local<Rule, lo::rule::unguarded>>, reference>;

/// Rows far from 0.
std::vector<double> shifted(std::size_t rows, std::uint64_t stream) {
  std::vector<double> x = normal(rows * 6, stream);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += 2 + static_cast<double>(i % 6);
  return x;
}

}  // namespace

TEST_CASE("covariance: hebb on centred inputs, whose responses are then centred too") {
  constexpr std::size_t rows = 12;
  one_layer<lo::rule::covariance> one(rows);
  one_layer<lo::rule::hebb> plain(rows);
  const std::vector<double> start = one.copy();
  plain.set(start);
  for (std::uint64_t t = 0; t < 4; ++t) {
    const std::vector<double> x = shifted(rows, t);
    std::vector<double> centred = x;
    for (std::size_t i = 0; i < 6; ++i) {
      double mean = 0;
      for (std::size_t p = 0; p < rows; ++p) mean += x[p * 6 + i] / rows;
      for (std::size_t p = 0; p < rows; ++p) centred[p * 6 + i] -= mean;
    }
    one.step(x, 0.05);
    plain.step(centred, 0.05);
    CHECK(deviation(one.weights(), plain.weights()) < 1e-13);
  }
  CHECK(deviation(one.weights(), start) > 0.1);
}

TEST_CASE("covariance: one row has no variance, and changes nothing") {
  one_layer<lo::rule::covariance> one(4);
  const std::vector<double> start = one.copy();
  one.step(shifted(1, 1), 0.5);
  CHECK(deviation(one.weights(), start) < 1e-13);
  one.step(shifted(2, 1), 0.5);
  CHECK(deviation(one.weights(), start) > 1e-2);
}

TEST_CASE("covariance: the same rows further away change as much") {
  one_layer<lo::rule::covariance> near(8);
  one_layer<lo::rule::covariance> far(8);
  std::vector<double> x = shifted(8, 3);
  near.step(x, 0.1);
  for (double& value : x) value += 100;
  far.step(x, 0.1);
  CHECK(deviation(far.weights(), near.weights()) < 1e-10);
}
