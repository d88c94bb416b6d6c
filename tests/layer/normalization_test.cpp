// The layers that normalize or compare within a sample, against loops written from their formulas.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/through.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/layer_norm.hpp>
#include <localis/layer/patch_norm.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/sample_norm.hpp>
#include <localis/layer/softmax.hpp>
#include <localis/layer/triangle.hpp>

namespace lo = localis;
using localis_test::through;

namespace {

constexpr std::size_t samples = 3;
constexpr std::size_t height = 4;
constexpr std::size_t width = 5;
constexpr std::size_t channels = 3;
using input = lo::image<height, width, channels>;

std::vector<double> features() {
  const lo::random_stream random(8, 0);
  std::vector<double> x(samples * height * width * channels);
  // Far from 0, where differences of squares would lose digits.
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 100 + (1 + static_cast<double>(i % channels)) * random.normal(i);
  return x;
}

std::size_t at(std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
  return ((n * height + y) * width + x) * channels + c;
}

/// (x[i] - mean) / sqrt(variance + epsilon) over the values named.
struct normal {
  double mean = 0;
  double deviation = 0;
  normal(const std::vector<double>& x, const std::vector<std::size_t>& which, double epsilon) {
    for (const std::size_t i : which) mean += x[i] / static_cast<double>(which.size());
    for (const std::size_t i : which) deviation += (x[i] - mean) * (x[i] - mean) / static_cast<double>(which.size());
    deviation = std::sqrt(deviation + epsilon);
  }
  [[nodiscard]] double of(double x) const { return (x - mean) / deviation; }
};

/// The layer gives what `expected(x, n, y, x, c)` says, on both sides of the boundary and in evaluation.
template <class Layer, class F>
void check_values(const F& expected, double tolerance = 1e-12) {
  const std::vector<double> x = features();
  through<input, Layer> net(samples);
  const std::vector<double> behind = net.forward(x);
  CHECK(net.forward(x, {.boundary = 1}) == behind);
  CHECK(net.predict(x) == behind);
  REQUIRE(behind.size() == x.size());
  for (std::size_t n = 0; n < samples; ++n) {
    for (std::size_t p = 0; p < height * width; ++p) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t row = p / width;
        const std::size_t column = p % width;
        CHECK(std::abs(behind[at(n, row, column, c)] - expected(x, n, row, column, c)) < tolerance);
      }
    }
  }
}

template <class Layer, class Set>
std::string refused(const Set& set) {
  through<input, Layer> net(samples);
  set(net.model.template layer<1>());
  try {
    net.model.validate();
  } catch (const lo::config_error& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("layer_norm: over all values of a sample") {
  check_values<lo::layer_norm>([](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    std::vector<std::size_t> all(height * width * channels);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = at(n, 0, 0, 0) + i;
    return normal(x, all, 1e-5).of(x[at(n, row, column, c)]);
  });
}

TEST_CASE("layer_norm: gamma and beta by channel, and they rest before the boundary") {
  through<input, lo::layer_norm> net(samples);
  const std::vector<double> x = features();
  const std::vector<double> plain = net.forward(x);
  const auto p = net.model.layer<1>().parameters();
  REQUIRE(p[0].size() == channels);
  p[0].value[1] = 3;
  p[1].value[2] = -7;
  const std::vector<double> y = net.forward(x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double expected = (i % channels == 1 ? 3 : 1) * plain[i] + (i % channels == 2 ? -7 : 0);
    CHECK(y[i] == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("instance_norm: over the positions of each sample and channel") {
  const auto expected = [](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    std::vector<std::size_t> map;
    for (std::size_t p = 0; p < height * width; ++p) map.push_back(at(n, p / width, p % width, c));
    return normal(x, map, 1e-5).of(x[at(n, row, column, c)]);
  };
  check_values<lo::instance_norm>(expected);
  check_values<lo::affine_instance_norm>(expected);
  CHECK(through<input, lo::instance_norm>(1).model.layer<1>().parameters()[0].size() == 0);
}

TEST_CASE("instance_norm: one position becomes 0") {
  through<lo::vector_input<4>, lo::instance_norm> net(1);
  for (const double y : net.forward({3, -5, 0, 100})) CHECK(y == 0);
}

TEST_CASE("patch_norm: by the patch around each position, cut at the border") {
  check_values<lo::patch_norm<3>>(
      [](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
        std::vector<std::size_t> patch;
        for (std::size_t p = 0; p < height * width; ++p) {
          const auto near = [](std::size_t a, std::size_t b) { return a <= b + 1 && b <= a + 1; };
          if (!near(p / width, row) || !near(p % width, column)) continue;
          for (std::size_t k = 0; k < channels; ++k) patch.push_back(at(n, p / width, p % width, k));
        }
        return normal(x, patch, 1e-5).of(x[at(n, row, column, c)]);
      },
      1e-11);
}

TEST_CASE("patch_norm: a flat map becomes 0, whatever its level") {
  through<input, lo::patch_norm<3>> net(1);
  for (const double y : net.forward(std::vector<double>(height * width * channels, 1e6))) CHECK(std::abs(y) < 1e-6);
}

TEST_CASE("triangle: what is above the mean of the channels, to a power") {
  const auto above = [](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    double mean = 0;
    for (std::size_t k = 0; k < channels; ++k) mean += x[at(n, row, column, k)] / channels;
    return std::max(0.0, x[at(n, row, column, c)] - mean);
  };
  check_values<lo::triangle>(above);
  through<input, lo::triangle> net(samples);
  net.model.layer<1>().power = 2.5;
  const std::vector<double> x = features();
  const std::vector<double> y = net.forward(x);
  for (std::size_t c = 0; c < channels; ++c) {
    CHECK(y[at(1, 2, 3, c)] == doctest::Approx(std::pow(above(x, 1, 2, 3, c), 2.5)).epsilon(1e-12));
  }
}

TEST_CASE("softmax: shares of the channels, stable for large input") {
  check_values<lo::softmax>([](const auto& x, std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
    double sum = 0;
    for (std::size_t k = 0; k < channels; ++k) sum += std::exp(x[at(n, row, column, k)] - x[at(n, row, column, c)]);
    return 1 / sum;
  });
  through<lo::vector_input<2>, lo::softmax> net(1);
  net.model.layer<1>().sharpness = 0.5;
  const std::vector<double> y = net.forward({1e4, 1e4 + 2});
  CHECK(y[0] == doctest::Approx(1 / (1 + std::exp(1.0))).epsilon(1e-12));
  CHECK(y[1] == doctest::Approx(1 / (1 + std::exp(-1.0))).epsilon(1e-12));
}

TEST_CASE("relu6: between 0 and 6") {
  through<lo::vector_input<4>, lo::relu6> net(1);
  CHECK(net.forward({-1, 2.5, 6, 7}) == std::vector<double>{0, 2.5, 6, 6});
}

TEST_CASE("normalization and activations: values out of range") {
  CHECK(refused<lo::layer_norm>([](auto& l) { l.epsilon = 0; }) ==
        "layer_norm: epsilon: expected a finite number > 0, found 0");
  CHECK(refused<lo::instance_norm>([](auto& l) { l.epsilon = -1; }) ==
        "instance_norm: epsilon: expected a finite number > 0, found -1");
  CHECK(refused<lo::patch_norm<3>>([](auto& l) { l.epsilon = 0; }) ==
        "patch_norm: epsilon: expected a finite number > 0, found 0");
  CHECK(refused<lo::triangle>([](auto& l) { l.power = 0; }) ==
        "triangle: power: expected a finite number > 0, found 0");
  CHECK(refused<lo::softmax>([](auto& l) { l.sharpness = 0; }) ==
        "softmax: sharpness: expected a finite number > 0, found 0");
}
