// Stages that learn from the error of a head and from how alike samples are.

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "support/supervised.hpp"
#include <doctest/doctest.h>

#include <localis/layer/dense.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/predsim.hpp>
#include <localis/rule/similarity_error.hpp>

namespace localis_test::supervised {

namespace lo = localis;

namespace {

constexpr std::size_t channels = 4;

template <class Rule>
using net =
    lo::network<lo::image<5, 7, 2>, lo::conv2d<channels, 3, lo::padding<1>, Rule>, lo::tanh, lo::dense<classes>>;

/// The first and the last row or column that a part of a map sees, of `parts`.
std::array<std::size_t, 2> ends_of(std::size_t part, std::size_t parts, std::size_t size) {
  const std::size_t apart = size / parts;
  return {part * apart, part * apart + size - (parts - 1) * apart - 1};
}

/// The loss of a head of `side` x `side` means of a 5 x 7 map, from its definition.
double head_loss(std::span<const double> y, std::span<const double> head, std::size_t side) {
  const std::size_t inputs = head.size() / classes;
  double loss = 0;
  for (std::size_t n = 0; n < samples; ++n) {
    std::array<double, classes> z{};
    for (std::size_t input = 0; input < inputs; ++input) {
      const std::size_t c = input % channels;
      const auto [top, bottom] = ends_of(input / channels / side, side, 5);
      const auto [left, right] = ends_of(input / channels % side, side, 7);
      double mean = 0;
      for (std::size_t i = top; i <= bottom; ++i) {
        for (std::size_t j = left; j <= right; ++j) mean += y[((n * 5 + i) * 7 + j) * channels + c];
      }
      mean /= static_cast<double>((bottom - top + 1) * (right - left + 1));
      for (std::size_t k = 0; k < classes; ++k) z[k] += head[k * inputs + input] * mean;
    }
    double sum = 0;
    for (const double v : z) sum += std::exp(v);
    loss += (std::log(sum) - z[labels[n]]) / samples;
  }
  return loss;
}

/// A step with share 0 against central differences, of the stage and of its head.
template <std::size_t Side>
void check_head() {
  supervised_model<net<lo::rule::predsim<Side>>> s;
  auto& rule = s.model.template layer<0>().rule();
  rule.similarity_share = 0;
  rule.head_rate = 0.3;
  const std::span<double> head = state_of(s.model.template layer<0>(), "head");
  CHECK(head.size() == classes * channels * Side * Side);
  const std::vector<double> head_before = copy_of(head);
  const std::vector<double> before = copy_of(s.template weights<0>());
  std::vector<double> head_used = head_before;
  const auto differences = [&](std::span<double> values) {
    std::vector<double> gradient;
    for (double& value : values) {
      const double middle = value;
      const auto loss_at = [&](double place) {
        value = place;
        s.model.forward(s.x, samples, {.boundary = 0});
        return head_loss(s.model.stage_output(0), head_used, Side);
      };
      gradient.push_back((loss_at(middle + 1e-5) - loss_at(middle - 1e-5)) / 2e-5);
      value = middle;
    }
    return gradient;
  };
  const std::vector<double> expected = differences(s.template weights<0>());
  const std::vector<double> head_expected = differences(head_used);
  s.learn(1, 0.02);
  CHECK(deviation(followed(s.template weights<0>(), before, 0.02), expected) < 1e-7);
  CHECK(deviation(followed(head, head_before, 0.3), head_expected) < 1e-7);
}

/// The direction of a step by a rule.
template <class Rule>
std::vector<double> step_of(const Rule& rule) {
  supervised_model<net<Rule>> s;
  s.model.template layer<0>().rule() = rule;
  const std::vector<double> before = copy_of(s.template weights<0>());
  s.learn(1, 0.02);
  return followed(s.template weights<0>(), before, 0.02);
}

}  // namespace

TEST_CASE("predsim: the head sees the means of parts of each map, and its step is that of its own loss") {
  check_head<1>();
  check_head<2>();
  check_head<3>();
}

TEST_CASE("predsim: the stage's step is the mean of those of both losses by their shares") {
  using lo::rule::predsim;
  const lo::rule::similarity_error similarity{.group_channels = 1, .smoothing = 0.5};
  const std::vector<double> alike = step_of(similarity);
  CHECK(step_of(predsim<2>{.similarity_share = 1, .similarity = similarity}) == alike);
  const std::vector<double> right = step_of(predsim<2>{.similarity_share = 0});
  std::vector<double> both;
  for (std::size_t i = 0; i < alike.size(); ++i) both.push_back(0.3 * alike[i] + 0.7 * right[i]);
  CHECK(deviation(step_of(predsim<2>{.similarity_share = 0.3, .similarity = similarity}), both) < 1e-10);
  CHECK(step_of(predsim<1>{.similarity_share = 0}) == step_of(lo::rule::local_error{}));
}

TEST_CASE("predsim: a map that is smaller than the head's parts gives each of its positions") {
  using dense = lo::network<lo::vector_input<48>, lo::dense<5, lo::rule::predsim<2>>, lo::tanh, lo::dense<classes>>;
  supervised_model<dense> s;
  CHECK(state_of(s.model.layer<0>(), "head").size() == classes * 5);
  s.learn(1, 0.02);
}

}  // namespace localis_test::supervised
