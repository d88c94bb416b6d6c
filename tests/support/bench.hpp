#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

/// What a rule is tested with where it is alone: one layer, data, and how far two arrays are apart.
namespace localis_test {

/// A network whose first layer is under test, its weights at hand.
template <class Input, class Layer, class Backend>
class bench {
 public:
  using net = localis::network<Input, Layer, localis::dense<2>>;
  using scalar = typename Backend::scalar;

  localis::model<net, Backend> model;

  explicit bench(std::size_t batch, Backend backend = Backend()) : model({.seed = 3}, backend) {
    model.prepare({.batch = batch});
  }
  [[nodiscard]] auto& layer() { return model.template layer<0>(); }
  [[nodiscard]] std::span<scalar> weights() {
    const auto p = layer().parameters()[0];
    return {p.value, p.size()};
  }
  [[nodiscard]] std::vector<scalar> copy() { return {weights().begin(), weights().end()}; }
  void set(const std::vector<scalar>& values) {
    REQUIRE(values.size() == weights().size());
    for (std::size_t i = 0; i < values.size(); ++i) weights()[i] = values[i];
  }
  void step(const std::vector<scalar>& x, double rate, double gain = 1) {
    step(x, {.boundary = 1, .local_rate = rate, .gain = gain});
  }
  void step(const std::vector<scalar>& x, const localis::step_options& options) {
    model.forward(x, x.size() / net::input.size(), options);
  }
  /// The array of this name that the rule keeps besides the weights.
  [[nodiscard]] std::vector<scalar> state(std::string_view name) {
    for (const auto& p : layer().states()) {
      if (name == p.name) return {p.value, p.value + p.size()};
    }
    FAIL("no state of this name: ", name);
    return {};
  }
};

inline std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const localis::random_stream random(17, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// Largest |a - b| over the largest |b|; NaN where there is one.
template <class A, class B>
double deviation(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(error)) return error;
    difference = std::max(difference, error);
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return difference / scale;
}

/// The first directions of X^T X / P in order, unit vectors, by power iteration and deflation.
inline std::vector<std::vector<double>> components(std::vector<double> x, std::size_t inputs, std::size_t count) {
  std::vector<std::vector<double>> found;
  for (std::size_t k = 0; k < count; ++k) {
    std::vector<double> top(inputs, 1.0);
    const auto response = [&](const double* row) {
      double u = 0;
      for (std::size_t i = 0; i < inputs; ++i) u += row[i] * top[i];
      return u;
    };
    for (int round = 0; round < 3000; ++round) {
      std::vector<double> next(inputs, 0.0);
      for (std::size_t p = 0; p < x.size(); p += inputs) {
        const double u = response(x.data() + p);
        for (std::size_t i = 0; i < inputs; ++i) next[i] += u * x[p + i];
      }
      double squares = 0;
      for (const double v : next) squares += v * v;
      for (std::size_t i = 0; i < inputs; ++i) top[i] = next[i] / std::sqrt(squares);
    }
    for (std::size_t p = 0; p < x.size(); p += inputs) {
      const double u = response(x.data() + p);
      for (std::size_t i = 0; i < inputs; ++i) x[p + i] -= u * top[i];
    }
    found.push_back(top);
  }
  return found;
}

/// Rows of data and the top eigenpair of X^T X / P.
struct data {
  static constexpr std::size_t inputs = 6;
  static constexpr std::size_t rows = 40;
  std::vector<double> x = normal(rows * inputs, 5);
  std::vector<double> top;  // of norm 1
  double lambda = 0;

  data() {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= 2 - 0.3 * static_cast<double>(i % inputs);
    top = components(x, inputs, 1)[0];
    for (std::size_t p = 0; p < rows; ++p) {
      double u = 0;
      for (std::size_t i = 0; i < inputs; ++i) u += x[p * inputs + i] * top[i];
      lambda += u * u / rows;
    }
  }
};

template <class Row>
double norm(const Row& row) {
  double sum = 0;
  for (const double v : row) sum += v * v;
  return std::sqrt(sum);
}

}  // namespace localis_test
