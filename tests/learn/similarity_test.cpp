// Stages that learn from how alike the samples of a batch are.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/message.hpp"
#include "support/supervised.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/phsic.hpp>
#include <localis/rule/predsim.hpp>
#include <localis/rule/similarity_error.hpp>

namespace localis_test::supervised {

namespace lo = localis;
using lo::rule::phsic;
using lo::rule::similarity_error;
using matrix = std::vector<std::vector<double>>;

namespace {

/// v_n, centred and divided by its norm, from its definition.
std::vector<double> normalized_activity(std::span<const double> y, std::size_t channels, std::size_t width,
                                        double smoothing) {
  const std::size_t positions = y.size() / channels;
  std::vector<double> v;
  for (std::size_t first = 0; first < channels; first += width) {
    std::vector<double> group;
    for (std::size_t p = 0; p < positions; ++p) {
      for (std::size_t c = first; c < first + width; ++c) group.push_back(y[p * channels + c]);
    }
    if (group.size() == 1) {
      v.push_back(group[0]);
      continue;
    }
    double mean = 0;
    for (const double value : group) mean += value / static_cast<double>(group.size());
    double squares = smoothing;
    for (const double value : group) squares += (value - mean) * (value - mean);
    v.push_back(std::sqrt(squares / static_cast<double>(group.size())));
  }
  double mean = 0;
  for (const double value : v) mean += value / static_cast<double>(v.size());
  double norm = 0;
  for (double& value : v) {
    value -= mean;
    norm += value * value;
  }
  for (double& value : v) value /= std::sqrt(norm);
  return v;
}

double mean_product(const matrix& a, const matrix& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n) {
    for (std::size_t m = 0; m < a.size(); ++m) sum += a[n][m] * b[n][m];
  }
  return sum / static_cast<double>(a.size() * a.size());
}
double dependence(const matrix& a, const matrix& b) {
  const matrix ones(a.size(), std::vector<double>(a.size(), 1.0));
  return mean_product(a, b) - mean_product(a, ones) * mean_product(b, ones);
}

double loss_of(const similarity_error&, const matrix& k, const matrix& q) {
  return mean_product(k, k) - 2 * mean_product(k, q) + mean_product(q, q);
}
double loss_of(const phsic& rule, const matrix& k, const matrix& q) {
  return dependence(k, k) - rule.gamma * dependence(k, q);
}

/// The loss of the output of a stage, from its definition: labelled samples alone count.
template <class Rule>
double loss_of(const Rule& rule, std::span<const double> output, std::size_t channels,
               const std::vector<std::uint32_t>& given) {
  const std::size_t size = output.size() / samples;
  std::vector<std::vector<double>> v;
  std::vector<std::uint32_t> known;
  for (std::size_t n = 0; n < samples; ++n) {
    if (given[n] == lo::data::unlabelled) continue;
    known.push_back(given[n]);
    v.push_back(normalized_activity(output.subspan(n * size, size), channels, rule.group_channels, rule.smoothing));
  }
  matrix k(v.size(), std::vector<double>(v.size()));
  matrix q = k;
  for (std::size_t n = 0; n < v.size(); ++n) {
    for (std::size_t m = 0; m < v.size(); ++m) {
      for (std::size_t g = 0; g < v[n].size(); ++g) k[n][m] += v[n][g] * v[m][g];
      q[n][m] = known[n] == known[m] ? 1 : -1.0 / (classes - 1);
    }
  }
  return loss_of(rule, k, q);
}

/// The step of a stage with this rule against central differences of the loss.
template <class Net, std::size_t Stage, std::size_t Layer, class Rule>
void check_step(const Rule& rule, std::size_t channels, const std::vector<std::uint32_t>& given = labels) {
  supervised_model<Net> s;
  s.model.template layer<Layer>().rule() = rule;
  const std::span<double> weights = s.template weights<Layer>();
  const std::vector<double> before = copy_of(weights);
  const auto loss = [&] {
    s.model.forward(s.x, samples, {.boundary = 0});
    return loss_of(rule, s.model.stage_output(Stage), channels, given);
  };
  std::vector<double> expected;
  for (double& value : weights) {
    const double middle = value;
    constexpr double step = 1e-5;
    value = middle + step;
    const double upper = loss();
    value = middle - step;
    expected.push_back((upper - loss()) / (2 * step));
    value = middle;
  }
  constexpr double rate = 0.02;
  s.model.forward(s.x, samples, {.boundary = Stage + 1, .local_rate = rate, .labels = given});
  CAPTURE(rule.group_channels);
  CHECK(deviation(followed(weights, before, rate), expected) < 1e-6);
}

template <class Rule>
using convolution = lo::network<lo::image<6, 4, 2>, lo::conv2d<6, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::tanh,
                                lo::max_pool2d<2>, lo::dense<classes>>;

/// A rule of a user's own.
struct alike {
  static constexpr const char* name = "alike";
  static constexpr bool supervised = true;
  std::size_t group_channels = 1;
  double smoothing = 1;

  template <class T>
  [[nodiscard]] constexpr T pair_slope(T similarity, T wanted, T, T) const {
    return similarity - wanted;
  }
  constexpr bool operator==(const alike&) const = default;
};
static_assert(lo::rule::compares_samples<alike>);

const std::vector<std::uint32_t> some_labels{0, lo::data::unlabelled, 1, 1, lo::data::unlabelled, 2};

}  // namespace

TEST_CASE("similarity_error: a step is rate times the gradient of the stage's own loss, through its layers") {
  check_step<convolution<similarity_error>, 0, 0>(similarity_error{}, 6);
  check_step<convolution<similarity_error>, 0, 0>(similarity_error{.group_channels = 2, .smoothing = 0.5}, 6);
  check_step<convolution<similarity_error>, 0, 0>(similarity_error{}, 6, some_labels);
}

TEST_CASE("phsic: a step is rate times the gradient of the stage's own loss, through its layers") {
  check_step<convolution<phsic>, 0, 0>(phsic{}, 6);
  check_step<convolution<phsic>, 0, 0>(phsic{.gamma = 0.7, .group_channels = 2, .smoothing = 0.1}, 6);
  check_step<convolution<phsic>, 0, 0>(phsic{}, 6, some_labels);
}

TEST_CASE("similarity_error, phsic: groups of one value are compared by the value itself") {
  check_step<lo::network<lo::vector_input<48>, lo::dense<5, similarity_error>, lo::tanh, lo::dense<classes>>, 0, 0>(
      similarity_error{}, 5);
  check_step<lo::network<lo::vector_input<48>, lo::dense<5, phsic>, lo::tanh, lo::dense<classes>>, 0, 0>(phsic{}, 5);
  check_step<lo::network<lo::vector_input<48>, lo::dense<9, phsic>, lo::tanh, lo::dense<classes>>, 0, 0>(
      phsic{.group_channels = 3}, 9);
}

TEST_CASE("phsic: outputs that do not vary give no step, and no NaN") {
  supervised_model<convolution<phsic>> s;
  for (double& value : s.x) value = 0;
  s.model.layer<0>().rule().smoothing = 0;
  const std::vector<double> before = copy_of(s.weights<0>());
  s.learn(1, 0.1);
  CHECK(copy_of(s.weights<0>()) == before);
}

TEST_CASE("phsic: groups must divide the channels") {
  supervised_model<convolution<phsic>> s;
  s.model.layer<0>().rule().group_channels = 4;
  CHECK(message<lo::shape_error>([&] { s.learn(1, 0.1); }) ==
        "rule phsic of stage 0: group_channels: expected a divisor of the 6 channels of the stage's output, found 4");
}

TEST_CASE_TEMPLATE("similarity: on several ranks, a rule that compares samples is refused by its name on each", Rule,
                   similarity_error, phsic, lo::rule::predsim<>, alike) {
  std::vector<std::string> found(2);
  const auto thrown = run_ranks(2, [&](const thread_ranks& ranks) {
    supervised_model<convolution<Rule>> s;
    s.model.distribute(ranks);
    found[ranks.rank()] = message<lo::config_error>([&] { s.learn(1, 0.1); });
  });
  CHECK(thrown == std::vector<std::string>(2));
  const std::string expected = lo::text("rule ", Rule::name,
                                        " of stage 0: expected one rank, since it compares all samples of a batch in "
                                        "pairs, found 2");
  CHECK(found == std::vector<std::string>(2, expected));
}

}  // namespace localis_test::supervised
