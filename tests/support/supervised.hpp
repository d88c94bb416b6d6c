#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/model.hpp>
#include <localis/rule/local_error.hpp>

/// Stages that learn from an error: a batch with labels and indices, and what a step has followed.
namespace localis_test::supervised {

inline constexpr std::size_t classes = 3;
inline constexpr std::size_t samples = 6;
inline const std::vector<std::uint32_t> labels{0, 2, 1, 1, 0, 2};
inline const std::vector<std::uint32_t> indices{7, 0, 3, 11, 5, 2};

inline std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const localis::random_stream random(23, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

inline double deviation(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(a[i] - b[i]);
    if (std::isnan(apart)) return apart;
    difference = std::max(difference, apart);
    scale = std::max(scale, std::abs(b[i]));
  }
  return difference / scale;
}

inline std::vector<double> copy_of(std::span<const double> values) { return {values.begin(), values.end()}; }
inline std::span<double> span_of(const localis::parameter<double>& p) { return {p.value, p.size()}; }

/// (moved - initial) / -rate: the gradient that a step has followed.
inline std::vector<double> followed(std::span<const double> moved, std::span<const double> initial, double rate) {
  std::vector<double> gradient;
  for (std::size_t i = 0; i < moved.size(); ++i) gradient.push_back((initial[i] - moved[i]) / rate);
  return gradient;
}

template <class Layer>
std::span<double> state_of(Layer& layer, std::string_view name) {
  for (const auto& p : layer.states()) {
    if (name == p.name) return {p.value, p.size()};
  }
  FAIL("no state of this name");
  return {};
}

/// A network with a batch of its own.
template <class Net, class Backend = localis::reference::backend<double>>
struct supervised_model {
  localis::model<Net, Backend> model;
  std::vector<double> x;

  explicit supervised_model(std::uint64_t seed = 5, Backend backend = Backend())
      : model({.seed = seed}, backend), x(normal(samples * Net::input.size(), seed)) {
    model.prepare({.batch = samples, .samples = 2 * samples});
  }
  template <std::size_t I>
  std::span<double> weights() {
    return span_of(model.template layer<I>().parameters()[0]);
  }
  void learn(std::size_t boundary, double rate) {
    model.forward(x, samples, {.boundary = boundary, .local_rate = rate, .labels = labels});
  }
  /// The loss of a linear softmax head on the mean over positions of a stage's output, from its formula.
  double local_loss(std::size_t stage, std::span<const double> head) {
    model.forward(x, samples, {.boundary = 0});
    const std::span<const double> y = model.stage_output(stage);
    const std::size_t channels = head.size() / classes;
    const std::size_t positions = y.size() / samples / channels;
    double loss = 0;
    for (std::size_t n = 0; n < samples; ++n) {
      std::array<double, classes> z{};
      for (std::size_t k = 0; k < classes; ++k) {
        for (std::size_t p = 0; p < positions; ++p) {
          for (std::size_t c = 0; c < channels; ++c) {
            z[k] += head[k * channels + c] * y[(n * positions + p) * channels + c] / static_cast<double>(positions);
          }
        }
      }
      double sum = 0;
      for (const double v : z) sum += std::exp(v);
      loss += (std::log(sum) - z[labels[n]]) / samples;
    }
    return loss;
  }
  /// Its gradient for some of the numbers it depends on, by central differences.
  std::vector<double> differences(std::span<double> values, std::size_t stage, std::span<const double> head) {
    std::vector<double> gradient;
    for (double& value : values) {
      const double middle = value;
      constexpr double step = 1e-5;
      value = middle + step;
      const double upper = local_loss(stage, head);
      value = middle - step;
      const double lower = local_loss(stage, head);
      value = middle;
      gradient.push_back((upper - lower) / (2 * step));
    }
    return gradient;
  }
};

using block = localis::residual<
    localis::shortcut<localis::conv2d<3, 1, localis::stride<2>, localis::rule::local_error>, localis::batch_norm>,
    localis::conv2d<4, 3, localis::stride<2>, localis::padding<1>, localis::rule::local_error>, localis::batch_norm,
    localis::tanh, localis::conv2d<3, 3, localis::padding<1>, localis::rule::local_error>>;
}  // namespace localis_test::supervised
