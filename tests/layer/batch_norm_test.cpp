#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "support/layer_net.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/train/gradient_descent.hpp>

namespace lo = localis;
using localis_test::layer_net;

namespace {

// Two channels over four rows. Channel 0: 1 3 5 7, mean 4, variance 5, unbiased 20 / 3. Channel 1: 2 2 2 10, mean 4,
// variance 12, unbiased 16.
using input = lo::image<1, 2, 2>;
const std::vector<double> x{1, 2, 3, 2, 5, 2, 7, 10};
constexpr double epsilon = 1e-5;

using net = layer_net<input, lo::batch_norm>;

/// gamma, beta, running mean, running variance of both channels.
void check_statistics(net& n, double mean_0, double mean_1, double variance_0, double variance_1) {
  const auto p = n.model.layer<1>().parameters();
  CHECK(p[2].value[0] == doctest::Approx(mean_0).epsilon(1e-14));
  CHECK(p[2].value[1] == doctest::Approx(mean_1).epsilon(1e-14));
  CHECK(p[3].value[0] == doctest::Approx(variance_0).epsilon(1e-14));
  CHECK(p[3].value[1] == doctest::Approx(variance_1).epsilon(1e-14));
}

void check_normalized(const std::vector<double>& y, double mean_0, double mean_1, double variance_0,
                      double variance_1) {
  REQUIRE(y.size() == x.size());
  for (std::size_t i = 0; i < x.size(); i += 2) {
    CHECK(y[i] == doctest::Approx((x[i] - mean_0) / std::sqrt(variance_0 + epsilon)).epsilon(1e-13));
    CHECK(y[i + 1] == doctest::Approx((x[i + 1] - mean_1) / std::sqrt(variance_1 + epsilon)).epsilon(1e-13));
  }
}

}  // namespace

TEST_CASE("batch_norm: in training the batch's own statistics, and running ones move by a tenth, variance unbiased") {
  net n(2);
  check_statistics(n, 0, 0, 1, 1);
  check_normalized(n.forward(x), 4, 4, 5, 12);
  check_statistics(n, 0.4, 0.4, 0.9 + 2.0 / 3, 0.9 + 1.6);
  check_normalized(n.forward(x), 4, 4, 5, 12);
  check_statistics(n, 0.76, 0.76, 0.9 * (0.9 + 2.0 / 3) + 2.0 / 3, 0.9 * 2.5 + 1.6);
}

TEST_CASE("batch_norm: gamma and beta scale and shift, and momentum and epsilon are run-time values") {
  net n(2);
  n.model.layer<1>().momentum = 1;
  n.model.layer<1>().epsilon = 4;
  const auto p = n.model.layer<1>().parameters();
  p[0].value[0] = 2;
  p[1].value[0] = -1;
  const std::vector<double> y = n.forward(x);
  for (std::size_t i = 0; i < x.size(); i += 2) {
    CHECK(y[i] == doctest::Approx(2 * (x[i] - 4) / 3 - 1).epsilon(1e-14));
    CHECK(y[i + 1] == doctest::Approx((x[i + 1] - 4) / 4).epsilon(1e-14));
  }
  check_statistics(n, 4, 4, 20.0 / 3, 16);
}

TEST_CASE("batch_norm: before the boundary, running: step t uses the statistics up to t - 1") {
  net n(2);
  const lo::step_options prefix{.boundary = 1};
  check_normalized(n.forward(x, prefix), 0, 0, 1, 1);
  check_statistics(n, 0.4, 0.4, 0.9 + 2.0 / 3, 2.5);
  check_normalized(n.forward(x, prefix), 0.4, 0.4, 0.9 + 2.0 / 3, 2.5);
  check_statistics(n, 0.76, 0.76, 0.9 * (0.9 + 2.0 / 3) + 2.0 / 3, 3.85);
}

TEST_CASE("batch_norm: before the boundary, batch: as behind it") {
  net prefix(2);
  net suffix(2);
  for (int step = 0; step < 3; ++step) {
    CHECK(prefix.forward(x, {.boundary = 1, .normalization = lo::prefix_normalization::batch}) == suffix.forward(x));
  }
  const auto p = suffix.model.layer<1>().parameters();
  check_statistics(prefix, p[2].value[0], p[2].value[1], p[3].value[0], p[3].value[1]);
}

TEST_CASE("batch_norm: before the boundary, frozen: as in evaluation") {
  net n(2);
  (void)n.forward(x);
  const lo::step_options prefix{.boundary = 1, .normalization = lo::prefix_normalization::frozen};
  check_normalized(n.forward(x, prefix), 0.4, 0.4, 0.9 + 2.0 / 3, 2.5);
  check_statistics(n, 0.4, 0.4, 0.9 + 2.0 / 3, 2.5);
}

TEST_CASE("batch_norm: a dry run moves no statistics") {
  net n(2);
  for (const std::size_t boundary : {0U, 1U}) {
    (void)n.forward(x, {.boundary = boundary, .apply_updates = false});
    check_statistics(n, 0, 0, 1, 1);
  }
}

TEST_CASE("batch_norm: evaluation uses the running statistics and leaves them") {
  net n(2);
  (void)n.forward(x);
  check_normalized(n.predict(x), 0.4, 0.4, 0.9 + 2.0 / 3, 2.5);
  check_statistics(n, 0.4, 0.4, 0.9 + 2.0 / 3, 2.5);
}

TEST_CASE("batch_norm: the pooling after it sees what it would alone") {
  using image = lo::image<2, 4, 2>;
  layer_net<image, lo::batch_norm, lo::relu> alone(2);
  layer_net<image, lo::batch_norm, lo::relu, lo::max_pool2d<2>> pooled(2);
  std::vector<double> u(2 * image::extents.size());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = static_cast<double>(i * i % 11);
  for (int step = 0; step < 2; ++step) {
    const std::vector<double> y = alone.forward(u);
    std::vector<double> largest(2 * 2 * 2, 0.0);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t pixel = i / 2;
      double& window = largest[(pixel / 8 * 2 + pixel % 4 / 2) * 2 + i % 2];
      window = std::max(window, y[i]);
    }
    CHECK(pooled.forward(u) == largest);
  }
}

TEST_CASE("batch_norm: gamma and beta rest before the boundary, statistics are no trainable parameters") {
  net n(2);
  lo::gradient_descent descent{n.model, lo::optimizer::plain{}};
  const auto step = [&](std::size_t boundary) {
    (void)n.forward(x, {.boundary = boundary, .local_rate = 0.1});
    (void)n.model.loss(lo::loss::mean_squared_error{}, {}, std::vector<double>(x.size(), 1.0));
    n.model.backward();
    descent.step(0.5);
  };
  const auto p = n.model.layer<1>().parameters();
  CHECK_FALSE(p[2].trainable());
  CHECK_FALSE(p[3].trainable());
  step(1);
  CHECK(p[0].value[0] == 1);
  CHECK(p[1].value[0] == 0);
  step(0);
  CHECK(p[0].value[0] != 1);
  CHECK(p[1].value[0] != 0);
}

TEST_CASE("batch_norm: one row has variance 0") {
  layer_net<lo::vector_input<2>, lo::batch_norm> n(1);
  const std::vector<double> y = n.forward({3, -5});
  CHECK(y[0] == doctest::Approx(0));
  CHECK(y[1] == doctest::Approx(0));
  CHECK(n.model.layer<1>().parameters()[3].value[0] == doctest::Approx(0.9));
}

TEST_CASE("batch_norm: values out of range") {
  net n(2);
  auto& layer = n.model.layer<1>();
  layer.momentum = 0;
  CHECK_THROWS_WITH_AS(layer.validate(), "batch_norm: momentum: expected a number in (0, 1], found 0",
                       lo::config_error);
  layer.momentum = 0.1;
  layer.epsilon = 0;
  CHECK_THROWS_WITH_AS(layer.validate(), "batch_norm: epsilon: expected a finite number > 0, found 0",
                       lo::config_error);
}

namespace {

/// A step of samples of one position, 2 channels: outputs, gradients, and statistics after it.
struct step_result {
  std::vector<double> outputs;
  std::vector<double> gradients;
  std::vector<double> statistics;
};

template <class Ranks>
step_result step_of(const Ranks& ranks, const std::vector<double>& own, const lo::step_options& options) {
  layer_net<lo::vector_input<2>, lo::batch_norm, lo::tanh> n(8);
  n.model.distribute(ranks, {.statistics = lo::batch_statistics::own});
  const auto p = n.model.template layer<1>().parameters();
  for (std::size_t c = 0; c < 2; ++c) {  // gamma, beta, and statistics of steps before
    p[0].value[c] = 0.5 + static_cast<double>(c);
    p[1].value[c] = 0.25;
    p[2].value[c] = -0.5;
    p[3].value[c] = 2;
  }
  step_result result;
  result.outputs = n.forward(own, options);
  (void)n.model.loss(lo::loss::mean_squared_error{}, {}, std::vector<double>(own.size(), 1.0));
  n.model.backward();
  n.model.for_each_gradient([&](const lo::operation&, const auto& parameter, const double* gradient) {
    result.gradients.insert(result.gradients.end(), gradient, gradient + parameter.size());
  });
  for (const auto& array : {p[2], p[3]}) {
    result.statistics.insert(result.statistics.end(), array.value, array.value + array.size());
  }
  return result;
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-13));
}

}  // namespace

TEST_CASE("batch_norm: with own statistics, a rank normalizes its rows, and running statistics see those of all") {
  using enum lo::prefix_normalization;
  // Three ranks with 2, 0 and 3 samples.
  const std::vector<std::vector<double>> parts{{1, 2, 3, -1}, {}, {5, 2, 7, 10, -4, 0}};
  const std::vector<double> whole{1, 2, 3, -1, 5, 2, 7, 10, -4, 0};
  for (const lo::step_options& options : {lo::step_options{}, lo::step_options{.boundary = 1, .normalization = batch},
                                          lo::step_options{.boundary = 1, .normalization = running}}) {
    CAPTURE(options.boundary);
    std::vector<step_result> found(3);
    const auto thrown = localis_test::run_ranks(3, [&](const localis_test::thread_ranks& ranks) {
      found[ranks.rank()] = step_of(ranks, parts[ranks.rank()], options);
    });
    CHECK(thrown == std::vector<std::string>(3));
    std::vector<double> gradients(found[0].gradients.size());
    const step_result one = step_of(lo::alone{}, whole, options);
    for (const std::size_t rank : {0U, 2U}) {
      const step_result part = step_of(lo::alone{}, parts[rank], options);  // as if there were no others
      check_close(found[rank].outputs, part.outputs);
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        gradients[i] += part.gradients[i] * static_cast<double>(parts[rank].size()) / static_cast<double>(whole.size());
      }
    }
    for (const step_result& rank : found) {
      check_close(rank.gradients, gradients);
      check_close(rank.statistics, one.statistics);
      CHECK(rank.statistics == found[0].statistics);  // the same bytes
    }
  }
}
