// Stages that learn from a guess of the network's error.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "support/supervised.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/error_feedback.hpp>

namespace localis_test::supervised {

namespace lo = localis;
using lo::rule::error_feedback;

namespace {

/// All that follows the first stage is linear: dl/dY of a sample is e Q / positions, exactly.
using linear = lo::network<lo::image<3, 2, 2>, lo::conv2d<4, 3, lo::padding<1>, error_feedback>, lo::tanh,
                           lo::conv2d<5, 1, lo::no_bias>, lo::global_average_pool, lo::dense<classes>>;

struct feedback : supervised_model<linear> {
  feedback() {
    model.layer<0>().rule().ridge = 1e-13;
    model.layer<0>().rule().memory = 0.5;
  }
  double pass(std::size_t boundary, double rate, std::span<const double> features, std::span<const std::uint32_t> y,
              std::span<const std::uint32_t> which) {
    model.forward(features, y.size(), {.boundary = boundary, .local_rate = rate, .labels = y, .indices = which});
    const double loss = model.loss(lo::loss::softmax_cross_entropy{}, y);
    model.backward();
    return loss;
  }
  /// The true gradient of the first weights, and on the way what the local losses see: errors, and Q.
  std::vector<double> observe(double rate = 1e-3) {
    // Errors of several batches, so that the fit knows every direction.
    for (std::uint64_t t = 0; t < 4; ++t) {
      const std::vector<double> other = normal(x.size(), 100 + t);
      (void)pass(0, rate, other, labels, indices);
    }
    (void)pass(0, rate, x, labels, indices);
    std::vector<double> gradient;
    model.for_each_gradient([&](const lo::operation& op, const lo::parameter<double>& p, const double* g) {
      if (op.stage == 0 && std::string_view(p.name) == "weight") gradient.assign(g, g + p.size());
    });
    return gradient;
  }
};

template <class T>
std::vector<T> pick(const std::vector<T>& from, std::size_t size, const std::vector<std::size_t>& which) {
  std::vector<T> result;
  for (const std::size_t n : which) {
    for (std::size_t i = 0; i < size; ++i) result.push_back(from[n * size + i]);
  }
  return result;
}

constexpr std::size_t sample_size = linear::input.size();

}  // namespace

TEST_CASE("error_feedback: where the network behind is linear, a step follows the true gradient") {
  feedback s;
  const std::vector<double> gradient = s.observe();
  const std::vector<double> before = copy_of(s.weights<0>());
  (void)s.pass(1, 0.05, s.x, labels, indices);
  CHECK(deviation(followed(s.weights<0>(), before, 0.05), gradient) < 1e-6);
}

TEST_CASE("error_feedback: Q is the product of the weights behind") {
  feedback s;
  (void)s.observe();
  (void)s.pass(1, 1e-9, s.x, labels, indices);  // fits
  // Softmax errors sum to 0: of Q only what differences between classes see is fixed.
  const std::span<const double> q = state_of(s.model.layer<0>(), "feedback");
  const std::span<const double> near = s.weights<2>();
  const std::span<const double> far = s.weights<4>();
  std::vector<double> found;
  std::vector<double> expected;
  for (std::size_t c = 0; c < 4; ++c) {
    for (std::size_t k = 1; k < classes; ++k) {
      found.push_back(q[c * classes + k] - q[c * classes]);
      double sum = 0;
      for (std::size_t m = 0; m < 5; ++m) sum += (far[k * 5 + m] - far[m]) * near[m * 4 + c];
      expected.push_back(sum);
    }
  }
  CHECK(deviation(found, expected) < 1e-6);
}

TEST_CASE("error_feedback: where some samples have no label, a step still follows the true gradient") {
  feedback s;
  (void)s.observe();
  std::vector<std::uint32_t> marked = labels;
  marked[1] = marked[4] = lo::data::unlabelled;
  (void)s.pass(0, 1e-3, s.x, marked, indices);
  std::vector<double> gradient;
  s.model.for_each_gradient([&](const lo::operation& op, const lo::parameter<double>& p, const double* g) {
    if (op.stage == 0 && std::string_view(p.name) == "weight") gradient.assign(g, g + p.size());
  });
  const std::vector<double> before = copy_of(s.weights<0>());
  (void)s.pass(1, 0.05, s.x, marked, indices);
  CHECK(deviation(followed(s.weights<0>(), before, 0.05), gradient) < 1e-6);
}

TEST_CASE("error_feedback: a sample without a label takes no part, even if it once had one") {
  feedback s;
  (void)s.observe();
  // The mean of the gradients of the labelled samples, one by one.
  const std::vector<std::size_t> labelled{0, 2, 3, 5};
  feedback truth;
  std::vector<double> mean(s.weights<0>().size(), 0.0);
  for (const std::size_t n : labelled) {
    (void)truth.pass(0, 0, pick(s.x, sample_size, {n}), pick(labels, 1, {n}), pick(indices, 1, {n}));
    truth.model.for_each_gradient([&](const lo::operation& op, const lo::parameter<double>& p, const double* g) {
      if (op.stage != 0 || std::string_view(p.name) != "weight") return;
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += g[i] / static_cast<double>(labelled.size());
    });
  }
  std::vector<std::uint32_t> marked = labels;
  marked[1] = marked[4] = lo::data::unlabelled;
  const std::vector<double> before = copy_of(s.weights<0>());
  (void)s.pass(1, 0.05, s.x, marked, indices);
  CHECK(deviation(followed(s.weights<0>(), before, 0.05), mean) < 1e-6);
}

TEST_CASE("error_feedback: errors are remembered by index, whatever the batch") {
  feedback s;
  (void)s.observe();
  // Two of the samples, in another order: the gradient of their own mean loss.
  const std::vector<std::size_t> chosen{4, 1};
  const std::vector<double> x = pick(s.x, sample_size, chosen);
  const std::vector<std::uint32_t> y = pick(labels, 1, chosen);
  const std::vector<std::uint32_t> which = pick(indices, 1, chosen);
  feedback other;
  (void)other.observe();
  (void)other.pass(0, 1e-3, x, y, which);
  std::vector<double> gradient;
  other.model.for_each_gradient([&](const lo::operation& op, const lo::parameter<double>& p, const double* g) {
    if (op.stage == 0 && std::string_view(p.name) == "weight") gradient.assign(g, g + p.size());
  });
  const std::vector<double> before = copy_of(s.weights<0>());
  (void)s.pass(1, 0.05, x, y, which);
  CHECK(deviation(followed(s.weights<0>(), before, 0.05), gradient) < 1e-6);

  // Another index: another sample's error.
  const std::vector<std::uint32_t> wrong{which[1], which[0]};
  feedback mixed;
  (void)mixed.observe();
  (void)mixed.pass(1, 0.05, x, y, wrong);
  CHECK(deviation(followed(mixed.weights<0>(), before, 0.05), gradient) > 0.1);
}

TEST_CASE("error_feedback: samples that were never seen give no step") {
  feedback s;
  (void)s.observe();
  const std::vector<double> before = copy_of(s.weights<0>());
  const std::vector<std::uint32_t> unseen{1, 4, 6, 8, 9, 10};
  (void)s.pass(1, 0.05, s.x, labels, unseen);
  CHECK(copy_of(s.weights<0>()) == before);
  // Now they have been.
  (void)s.pass(1, 0.05, s.x, labels, unseen);
  CHECK(copy_of(s.weights<0>()) != before);
}

TEST_CASE("error_feedback: a step uses the error of the time before, and leaves this time's") {
  feedback s;
  (void)s.observe();
  (void)s.pass(1, 1e-12, s.x, labels, indices);  // fits Q
  const std::span<double> q = state_of(s.model.layer<0>(), "feedback");
  const std::vector<double> fixed = copy_of(q);
  // The read-out's bias moves: errors of the next pass are others.
  const auto bias = s.model.layer<4>().parameters()[1];
  bias.value[0] += 2;
  std::vector<double> before = copy_of(s.weights<0>());
  (void)s.pass(1, 0.01, s.x, labels, indices);
  const std::vector<double> old = followed(s.weights<0>(), before, 0.01);
  std::copy(before.begin(), before.end(), s.weights<0>().begin());
  (void)s.pass(1, 0.01, s.x, labels, indices);
  const std::vector<double> now = followed(s.weights<0>(), before, 0.01);
  CHECK(copy_of(q) == fixed);  // nothing was observed since
  CHECK(deviation(now, old) > 0.1);
  feedback truth;
  truth.model.layer<4>().parameters()[1].value[0] += 2;
  (void)truth.pass(0, 0, truth.x, labels, indices);
  std::vector<double> gradient;
  truth.model.for_each_gradient([&](const lo::operation& op, const lo::parameter<double>& p, const double* g) {
    if (op.stage == 0 && std::string_view(p.name) == "weight") gradient.assign(g, g + p.size());
  });
  CHECK(deviation(now, gradient) < 1e-6);
}

TEST_CASE("error_feedback: what it remembers is counted, and does not move with what is prepared") {
  feedback s;
  const auto& counters = s.model.backend().counters();
  const std::size_t at_start = counters.held(lo::memory_kind::rule_state);
  // By hand: Q, e^T e, e^T d, and two doubles of the update statistics; one error of `classes` for each of 12 samples;
  // of a batch: labels, indices, errors.
  CHECK(at_start == sizeof(double) * (4 * classes + classes * classes + classes * 4 + 2 + 2 * samples * classes) +
                        samples * (2 * sizeof(std::uint32_t) + classes * sizeof(double)));
  const std::size_t allocations = counters.allocations;
  (void)s.observe();
  CHECK(counters.allocations == allocations);
  (void)s.pass(1, 0.05, s.x, labels, indices);
  s.model.prepare({.batch = samples, .lowest_boundary = 1, .samples = 2 * samples});
  const std::vector<double> before = copy_of(s.weights<0>());
  (void)s.pass(1, 0.05, s.x, labels, indices);
  CHECK(copy_of(s.weights<0>()) != before);  // errors outlive a new plan
  CHECK(counters.allocations <= allocations + 1);
}

TEST_CASE("error_feedback: indices that are missing or out of range are named") {
  feedback f;
  CHECK_THROWS_WITH_AS(
      f.model.forward(f.x, samples, {.boundary = 1, .local_rate = 0.1, .labels = labels}),
      "model::forward: rule error_feedback of stage 0: expected step_options::indices with one entry for each "
      "of the 6 samples, found 0",
      lo::config_error);
  const std::vector<std::uint32_t> beyond{7, 0, 3, 12, 5, 2};
  CHECK_THROWS_WITH_AS(
      f.model.forward(f.x, samples, {.boundary = 1, .local_rate = 0.1, .indices = beyond}),
      "model::forward: step_options::indices: expected samples below 12 (memory_request::samples), found 12",
      lo::config_error);
}

}  // namespace localis_test::supervised
