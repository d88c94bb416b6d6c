#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/bench.hpp"
#include "support/same_rule.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/subspace.hpp>

namespace lo = localis;
using lo::rule::subspace;
using localis_test::bench;
using localis_test::check_same;
using localis_test::components;
using localis_test::convolution;
using localis_test::data;
using localis_test::deviation;
using localis_test::full;
using localis_test::normal;
using reference = lo::reference::backend<double>;

namespace {

template <std::size_t Units, class Backend = reference, std::size_t Inputs = data::inputs>
using one_layer = bench<lo::vector_input<Inputs>,
                        lo::dense<Units, lo::no_bias, lo::rule::local<subspace, lo::rule::unguarded>>, Backend>;

double dot(const double* a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// W + eta (1/P) ( U^T X - (U^T U) W ), matrix by matrix.
std::vector<double> subspace_step(const std::vector<double>& x, const std::vector<double>& w, std::size_t inputs,
                                  double eta) {
  const std::size_t units = w.size() / inputs;
  const std::size_t rows = x.size() / inputs;
  std::vector<double> u(rows * units, 0.0);
  std::vector<double> squares(units * units, 0.0);
  std::vector<double> next = w;
  for (std::size_t p = 0; p < rows; ++p) {
    for (std::size_t o = 0; o < units; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) u[p * units + o] += x[p * inputs + i] * w[o * inputs + i];
    }
    for (std::size_t o = 0; o < units; ++o) {
      for (std::size_t k = 0; k < units; ++k) squares[o * units + k] += u[p * units + o] * u[p * units + k];
    }
  }
  for (std::size_t o = 0; o < units; ++o) {
    for (std::size_t i = 0; i < inputs; ++i) {
      double change = 0;
      for (std::size_t p = 0; p < rows; ++p) change += u[p * units + o] * x[p * inputs + i];
      for (std::size_t k = 0; k < units; ++k) change -= squares[o * units + k] * w[k * inputs + i];
      next[o * inputs + i] += eta * change / static_cast<double>(rows);
    }
  }
  return next;
}

}  // namespace

TEST_CASE("subspace: both forms are the formula, each where it is the cheaper one") {
  using counted = lo::check::counting<reference>;
  constexpr std::size_t inputs = 7;
  constexpr std::size_t units = 5;
  counted backend;
  one_layer<units, counted, inputs> one(40, backend);
  const std::vector<double> start = one.copy();
  for (const std::size_t rows : {1U, 2U, 3U, 17U, 18U, 40U}) {
    const std::vector<double> x = normal(rows * inputs, rows);
    one.set(start);
    backend.counts() = {};
    one.step(x, 0.1);
    CAPTURE(rows);
    CHECK(deviation(one.weights(), subspace_step(x, start, inputs, 0.1)) < 1e-13);
    const std::size_t by_matrix = rows * units * units + units * units * inputs;
    const std::size_t by_rows = rows * units * inputs;
    CHECK(backend.counts().rule == rows * units * inputs + std::min(by_matrix, by_rows));
    // P O^2 + O^2 I < P O I: from 17.5 rows on.
    CHECK((by_matrix < by_rows) == (rows >= 18));
  }
}

TEST_CASE("subspace: both forms are one update on one batch, on any backend") {
  // A backend leaves G^T X and G^T G, or G^T (X - G W): the same once (G^T G) W is taken off.
  const auto check = [](const auto& backend, const lo::linear_map& map, std::size_t samples) {
    using local = lo::rule::local<subspace>;
    const std::size_t units = map.outputs();
    const std::vector<double> x = normal(samples * map.in.size(), 1);
    const std::vector<double> w = normal(map.weights(), 2);
    std::vector<double> u(map.rows(samples) * units);
    const auto summed = [&](lo::mutual_forgetting forgetting) {
      const lo::learn_options options{.unit_sums = lo::kernel::unit_sums<local>::count, .forgetting = forgetting};
      lo::workspace measure;
      backend.learn_scratch(map, samples, options, measure);
      std::vector<double> scratch(measure.used() / sizeof(double) + 1);
      std::vector<double> sum(map.weights());
      std::vector<double> unit(options.unit_sums * units);
      std::vector<double> matrix(units * units);
      backend.respond_and_learn(map, {.samples = samples, .x = x.data(), .w = w.data(), .u = u.data()},
                                lo::learning_arguments<double, lo::kernel::gate<double, local>>{
                                    .gate = {.rule = {}, .units = units, .positions = map.out.positions()},
                                    .options = options,
                                    .sums = {.sum = sum.data(), .unit = unit.data(), .matrix = matrix.data()}},
                                lo::workspace(reinterpret_cast<std::byte*>(scratch.data())));
      if (forgetting == lo::mutual_forgetting::matrix) {
        backend.subtract_product({.rows = units,
                                  .inner = units,
                                  .columns = map.inputs(),
                                  .a = matrix.data(),
                                  .b = w.data(),
                                  .c = sum.data()});
      }
      return sum;
    };
    CHECK(deviation(summed(lo::mutual_forgetting::remainder), summed(lo::mutual_forgetting::matrix)) < 1e-12);
  };
  const lo::window field{3, 3, 1, 1};
  const lo::linear_map dense{{1, 1, 7}, {1, 1, 4}, {}};
  const lo::linear_map conv{{6, 5, 2}, field.output({6, 5, 2}, 4), field};
  check(reference(), dense, 20);
  check(reference(), conv, 8);
  const lo::cpu::backend<double> cpu({.threads = 2, .tile_bytes = 1024, .grain = 1});
  check(cpu, dense, 20);
  check(cpu, conv, 8);
}

TEST_CASE("subspace: with one unit it is oja") {
  using lo::rule::oja;
  using image = lo::image<6, 5, 2>;
  for (const std::size_t rows : {1U, 6U}) {
    check_same<subspace, oja, 1, lo::vector_input<6>, full<1>>(rows);
    check_same<subspace, oja, 1, image, convolution<1>>(rows);
  }
}

TEST_CASE("subspace: W W^T comes to the identity, and the rows span the first principal directions") {
  const data d;
  constexpr std::size_t units = 3;
  one_layer<units> one(data::rows);
  for (int i = 0; i < 6000; ++i) one.step(d.x, 0.3 / d.lambda);
  const std::vector<double> w = one.copy();
  for (std::size_t a = 0; a < units; ++a) {
    for (std::size_t b = 0; b < units; ++b) {
      double product = 0;
      for (std::size_t i = 0; i < data::inputs; ++i) product += w[a * data::inputs + i] * w[b * data::inputs + i];
      CHECK(std::abs(product - (a == b ? 1 : 0)) < 1e-10);
    }
  }
  const auto directions = components(d.x, data::inputs, units);
  bool in_order = true;
  for (std::size_t k = 0; k < units; ++k) {
    double squares = 0;  // of the direction's projection onto the rows' span
    for (std::size_t o = 0; o < units; ++o) {
      const double c = dot(w.data() + o * data::inputs, directions[k]);
      squares += c * c;
    }
    CHECK(squares == doctest::Approx(1).epsilon(1e-10));
    in_order = in_order && std::abs(std::abs(dot(w.data() + k * data::inputs, directions[k])) - 1) < 1e-3;
  }
  CHECK_FALSE(in_order);  // that is sanger's
}
