#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/distance.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using lo::batch_norm;
using lo::relu;
using localis_test::largest_difference;

namespace {

using values = std::vector<double>;
using labels = std::vector<std::uint32_t>;
using same = lo::padding<1>;

constexpr std::size_t batch = 7;
const labels wanted{0, 2, 1, 2, 0, 1, 1};

/// Samples do not meet: each boundary has another kind of operation before it.
using plain = lo::network<lo::image<8, 8, 2>, lo::conv2d<3, 3, same>, lo::tanh, lo::max_pool2d<2>,
                          lo::residual<lo::conv2d<3, 3, same>, lo::tanh, lo::conv2d<3, 1>>, lo::tanh, lo::dropout,
                          lo::residual<lo::shortcut<lo::conv2d<4, 1>>, lo::conv2d<4, 3, same>>,
                          lo::concatenated<lo::branch<>, lo::branch<lo::conv2d<2, 3, same>, lo::tanh>>,
                          lo::multiplied<lo::branch<>, lo::branch<lo::global_average_pool, lo::dense<6>, lo::tanh>>,
                          lo::block<lo::conv2d<5, 3, same>, lo::average_pool2d<2>>, lo::dense<6, lo::rule::oja>,
                          lo::tanh, lo::dense<3>>;
static_assert(plain::stages == 8);

/// Normalization as it stands behind convolutions, where pooling, sums and activations run in its passes.
using normalized =
    lo::network<lo::image<8, 8, 2>, lo::conv2d<3, 3, same>, batch_norm, lo::tanh, lo::max_pool2d<2>,
                lo::residual<lo::conv2d<3, 3, same>, batch_norm, lo::tanh, lo::conv2d<3, 3, same>, batch_norm>,
                lo::tanh, lo::conv2d<4, 3, same>, batch_norm, lo::tanh, lo::dense<6>, batch_norm, lo::tanh, lo::dropout,
                lo::dense<3>>;
static_assert(normalized::stages == 5);

values normal(std::size_t size, std::uint64_t seed) {
  const lo::random_stream stream(seed, 1);
  values result(size);
  for (std::size_t i = 0; i < size; ++i) result[i] = stream.normal(i);
  return result;
}

/// The samples from `first` on come first.
template <class T>
std::vector<T> turned(const std::vector<T>& all, std::size_t first) {
  std::vector<T> result = all;
  const std::size_t size = all.size() / batch;
  std::rotate(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(first * size), result.end());
  return result;
}

lo::memory_request request(std::size_t part) { return {.batch = batch, .local_learning = false, .part_samples = part}; }

struct found {
  values output;
  std::vector<values> gradients;  ///< of each parameter
  std::vector<std::size_t> stages;
};

template <class Model>
found differentiate(Model& m, const values& x, const labels& classes, const lo::step_options& options) {
  found result;
  const auto output = m.forward(x, classes.size(), options);
  result.output.assign(output.begin(), output.end());
  m.loss(lo::loss::softmax_cross_entropy{}, classes);
  m.backward();
  m.for_each_gradient([&](const lo::operation& op, const auto& p, const double* gradient) {
    result.gradients.emplace_back(gradient, gradient + p.size());
    result.stages.push_back(op.stage);
  });
  return result;
}

template <class Network, class Backend>
void check_textbook() {
  const values x = normal(batch * Network::input.size(), 1);
  for (const std::size_t part : {1U, 3U, 7U}) {
    lo::model<Network, Backend> m{{.seed = 3}};
    m.prepare({.batch = batch, .highest_boundary = 0});
    const found all = differentiate(m, x, wanted, {.step = 5});
    const found first =
        differentiate(m, values(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(part * Network::input.size())),
                      labels(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(part)), {.step = 5});
    m.prepare(request(part));
    CHECK(m.memory().highest_boundary == Network::stages - 1);
    for (std::size_t boundary = 1; boundary < Network::stages; ++boundary) {
      CAPTURE(part);
      CAPTURE(boundary);
      const found own = differentiate(m, x, wanted, {.boundary = boundary, .step = 5, .part_samples = part});
      CHECK(largest_difference(own.output, all.output) < 1e-12);
      REQUIRE(own.gradients.size() == all.gradients.size());
      for (std::size_t i = 0; i < own.gradients.size(); ++i) {
        CAPTURE(i);
        const found& expected = own.stages[i] < boundary ? first : all;
        CHECK(largest_difference(own.gradients[i], expected.gradients[i]) < 1e-12);
      }
    }
  }
}

template <class Model>
values statistics(const Model& m) {
  values all;
  m.for_each_parameter([&](const lo::operation&, const auto& p) {
    if (!p.trainable()) all.insert(all.end(), p.value, p.value + p.size());
  });
  return all;
}

/// Lets the running statistics leave their first values.
template <class Model>
void warm_up(Model& m) {
  m.prepare({.batch = batch});
  for (std::uint64_t step = 0; step < 20; ++step) m.forward(normal(batch * 128, 40 + step), batch, {.step = step});
}

}  // namespace

TEST_CASE("part_samples: before the boundary, the gradient of the first samples' mean loss; behind it, of all") {
  check_textbook<plain, lo::reference::backend<double>>();
  check_textbook<plain, lo::cpu::backend<double>>();
}

TEST_CASE("part_samples: gradients by finite differences, where running statistics are constants") {
  lo::model<normalized, lo::cpu::backend<double>> m{{.seed = 5}};
  warm_up(m);
  const values x = normal(batch * normalized::input.size(), 1);
  m.prepare(request(batch));
  for (std::size_t boundary = 1; boundary < normalized::stages; ++boundary) {
    const lo::step_options options{.boundary = boundary, .step = 7, .part_samples = batch, .apply_updates = false};
    const auto loss = [&] {
      m.forward(x, batch, options);
      return m.loss(lo::loss::softmax_cross_entropy{}, wanted);
    };
    (void)loss();
    m.backward();
    struct array {
      double* value;
      values gradient;
    };
    std::vector<array> arrays;
    m.for_each_gradient([&](const lo::operation&, const auto& p, const double* gradient) {
      arrays.push_back({p.value, values(gradient, gradient + p.size())});
    });
    double worst = 0;
    double largest = 0;
    for (const array& a : arrays) {
      for (std::size_t i = 0; i < a.gradient.size(); i += 1 + a.gradient.size() / 4) {
        constexpr double step = 1e-5;
        const double before = a.value[i];
        a.value[i] = before + step;
        const double above = loss();
        a.value[i] = before - step;
        const double below = loss();
        a.value[i] = before;
        worst = std::max(worst, std::abs((above - below) / (2 * step) - a.gradient[i]));
        largest = std::max(largest, std::abs(a.gradient[i]));
      }
    }
    CAPTURE(boundary);
    CHECK(worst < 1e-8);
    CHECK(largest > 1e-2);
  }
}

TEST_CASE("part_samples: the mean over all parts is the gradient of the whole batch") {
  using net =
      lo::network<lo::image<8, 8, 2>, lo::conv2d<3, 3, same>, batch_norm, relu, lo::max_pool2d<2>,
                  lo::conv2d<4, 3, same>, batch_norm, lo::tanh, lo::dense<6>, batch_norm, lo::tanh, lo::dense<3>>;
  lo::model<net, lo::cpu::backend<double>> m{{.seed = 5}};
  warm_up(m);
  const values x = normal(batch * net::input.size(), 1);
  m.prepare(request(batch));
  const lo::step_options whole{
      .boundary = 2, .normalization = lo::prefix_normalization::frozen, .part_samples = batch, .apply_updates = false};
  const found all = differentiate(m, x, wanted, whole);
  m.prepare(request(2));
  lo::step_options part = whole;
  part.part_samples = 2;
  std::vector<values> mean;
  double spread = 0;
  for (std::size_t first = 0; first < batch; ++first) {  // every sample is in two parts
    const found own = differentiate(m, turned(x, first), turned(wanted, first), part);
    if (first == 0) {
      for (const values& g : own.gradients) mean.emplace_back(g.size(), 0.0);
    }
    for (std::size_t i = 0; i < mean.size(); ++i) {
      for (std::size_t k = 0; k < mean[i].size(); ++k) mean[i][k] += own.gradients[i][k] / batch;
    }
    spread = std::max(spread, largest_difference(own.gradients[0], all.gradients[0]));
  }
  for (std::size_t i = 0; i < mean.size(); ++i) {
    CAPTURE(i);
    CHECK(largest_difference(mean[i], all.gradients[i]) < 1e-12);
  }
  CHECK(spread > 1e-2);  // no part alone is
}

TEST_CASE("part_samples: all samples see the statistics from before the step, and the part's enter them") {
  using net = normalized;
  using model = lo::model<net, lo::cpu::backend<double>>;
  const values x = normal(batch * net::input.size(), 1);
  const std::size_t part = 3;
  const auto after = [&](lo::prefix_normalization normalization, bool apply_updates) {
    model m{{.seed = 5}};
    warm_up(m);
    m.prepare(request(part));
    m.forward(x, batch,
              {.boundary = 2, .normalization = normalization, .part_samples = part, .apply_updates = apply_updates});
    return statistics(m);
  };
  // A frozen prefix that sees the first samples alone.
  model frozen{{.seed = 5}};
  warm_up(frozen);
  const values before = statistics(frozen);
  using oja_net = lo::network<lo::image<8, 8, 2>, lo::conv2d<3, 3, same, lo::rule::oja>, batch_norm, lo::tanh,
                              lo::max_pool2d<2>, lo::dense<3>>;
  static_assert(oja_net::highest_boundary == 1);
  lo::model<oja_net, lo::cpu::backend<double>> alone{{.seed = 5}};
  alone.prepare({.batch = part, .lowest_boundary = 1, .local_learning = false});
  lo::model<oja_net, lo::cpu::backend<double>> own{{.seed = 5}};
  own.prepare({.batch = batch, .lowest_boundary = 1, .local_learning = false, .part_samples = part});
  const values expected_output = own.predict(x, batch);
  alone.forward(std::span(x).first(part * net::input.size()), part, {.boundary = 1});
  const auto output = own.forward(x, batch, {.boundary = 1, .part_samples = part});
  CHECK(largest_difference(values(output.begin(), output.end()), expected_output) < 1e-12);
  CHECK(largest_difference(statistics(own), statistics(alone)) < 1e-12);

  using lo::prefix_normalization;
  CHECK(largest_difference(after(prefix_normalization::running, true), before) > 1e-3);
  CHECK(largest_difference(after(prefix_normalization::running, false), before) == 0.0);
  const values of_frozen = after(prefix_normalization::frozen, true);
  const std::size_t prefix = 2 * 3 + 4 * 3;  // mean and variance of three normalizations
  CHECK(std::equal(of_frozen.begin(), of_frozen.begin() + prefix, before.begin()));
  CHECK(of_frozen != before);  // the suffix learns
}

TEST_CASE("part_samples: planned bytes are counted bytes, and fall with the part") {
  using model = lo::model<normalized, lo::cpu::backend<double>>;
  model m;
  m.prepare({.batch = 64, .highest_boundary = 0});
  const std::size_t whole = m.summary().memory[0].arena;
  CHECK(m.backend().counters().held(lo::memory_kind::arena) == whole);
  std::size_t last = whole;
  for (const std::size_t part : {32U, 16U, 8U}) {
    CAPTURE(part);
    m.prepare(
        {.batch = 64, .lowest_boundary = 3, .highest_boundary = 3, .local_learning = false, .part_samples = part});
    const auto row = m.summary().memory[0];
    CHECK(m.backend().counters().held(lo::memory_kind::arena) == row.arena);
    CHECK(row.arena < last);
    CHECK(row.optimizer_arrays == m.summary(lo::memory_request{.batch = 64}).memory[0].optimizer_arrays);
    last = row.arena;
    const std::size_t before = m.backend().counters().allocations;
    const values x = normal(64 * normalized::input.size(), 1);
    const labels classes(64, 1);
    (void)differentiate(m, x, classes, {.boundary = 3, .part_samples = part});
    (void)differentiate(m, values(x.begin(), x.begin() + 50 * normalized::input.size()), labels(50, 1),
                        {.boundary = 3, .part_samples = part - 1});
    CHECK(m.backend().counters().allocations == before);
  }
  CHECK(last < whole / 2);
}

TEST_CASE("part_samples: what does not fit is named") {
  lo::model<normalized, lo::reference::backend<double>> m;
  const auto refuses = [&](const lo::memory_request& wrong, const char* message) {
    CHECK_THROWS_WITH_AS(m.prepare(wrong), message, lo::config_error);
  };
  refuses({.batch = 4, .local_learning = false, .part_samples = 5},
          "model::prepare: part_samples: expected at most the batch, 4, found 5");
  refuses(
      {.batch = 4, .part_samples = 2},
      "model::prepare: local_learning: expected false with part_samples, since the stages before the boundary learn "
      "by gradient, found true");
  refuses({.batch = 4, .local_learning = false, .normalization = lo::prefix_normalization::batch, .part_samples = 2},
          "model::prepare: normalization: expected running or frozen with part_samples, since no pass sees the whole "
          "batch, found batch");
  const values x = normal(4 * normalized::input.size(), 1);
  const auto fails = [&](std::size_t samples, const lo::step_options& wrong, const char* message) {
    CHECK_THROWS_WITH_AS(m.forward(std::span(x).first(samples * normalized::input.size()), samples, wrong), message,
                         lo::config_error);
  };
  m.prepare({.batch = 4, .local_learning = false, .part_samples = 2});
  fails(4, {.boundary = 1}, "model::forward: part_samples: expected 1 to 2, as prepared, found 0");
  fails(4, {.boundary = 1, .part_samples = 3}, "model::forward: part_samples: expected 1 to 2, as prepared, found 3");
  fails(1, {.boundary = 1, .part_samples = 2}, "model::forward: part_samples: expected at most the 1 samples, found 2");
  fails(4, {.boundary = 1, .local_rate = 1, .part_samples = 2},
        "model::forward: local_rate: expected 0, since the memory was prepared without local learning, found 1");
  fails(4, {.boundary = 1, .part_samples = 2, .prefix_only = true},
        "model::forward: part_samples: expected 0 with prefix_only, which has no gradient, found 2");
  CHECK_NOTHROW(m.forward(x, 4, {.boundary = 0, .part_samples = 2}));  // of no effect
  lo::model<plain, lo::reference::backend<double>> other;
  other.prepare({.batch = 4, .local_learning = false});
  CHECK_NOTHROW(other.forward(normal(4 * plain::input.size(), 1), 4, {}));
}
