#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/oja.hpp>
#include <localis/train/gradient_descent.hpp>

namespace lo = localis;

namespace {

using values = std::vector<double>;
using net = lo::network<lo::vector_input<3>, lo::dense<4, lo::rule::oja>, lo::batch_norm, lo::tanh,
                        lo::dense<2, lo::rule::oja>, lo::tanh, lo::dense<1>>;
using model = lo::model<net, lo::reference::backend<double>>;

// Trainable values by stage: weight and bias, gamma and beta; weight and bias; weight and bias.
constexpr std::size_t first_stage = 12 + 4 + 4 + 4;
constexpr std::size_t second_stage = 8 + 2;
constexpr std::size_t last_stage = 2 + 1;

const values x{0.3, -1.2, 0.8, 1.1, 0.2, -0.4, -0.9, 0.5, 0.1, 0.7, -0.6, 1.4};
const values target{0.5, -1, 0.25, 2};

void backward(model& m, std::size_t boundary) {
  m.forward(x, 4, {.boundary = boundary});
  (void)m.loss(lo::loss::mean_squared_error{}, {}, target);
  m.backward();
}

values trainable(const model& m) {
  values all;
  m.for_each_parameter([&](const lo::operation&, const auto& p) {
    if (p.trainable()) all.insert(all.end(), p.value, p.value + p.size());
  });
  return all;
}

/// All gradients, with zeros for the stages before the boundary.
values gradients(const model& m) {
  values all;
  m.for_each_gradient(
      [&](const lo::operation&, const auto& p, const double* g) { all.insert(all.end(), g, g + p.size()); });
  all.insert(all.begin(), first_stage + second_stage + last_stage - all.size(), 0);
  return all;
}

double largest_difference(const values& a, const values& b) {
  double largest = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("gradient_descent: a plain step, with stages at rates of their own") {
  model m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::plain{});
  backward(m, 0);
  const values g = gradients(m);
  values expected = trainable(m);
  constexpr double factors[] = {3, 1, 0.5};
  double all[3] = {};
  double weights[3] = {};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::size_t stage = i < first_stage ? 0 : i < first_stage + second_stage ? 1 : 2;
    const double step = factors[stage] * 0.1 * g[i];
    expected[i] -= step;
    all[stage] += step * step;
    const bool weight = i < 12 || (i >= first_stage && i < first_stage + 8) ||
                        (i >= first_stage + second_stage && i < first_stage + second_stage + 2);
    if (weight) weights[stage] += step * step;
  }
  descent.step(0.1, factors);
  CHECK(largest_difference(trainable(m), expected) < 1e-15);
  for (std::size_t stage = 0; stage < 3; ++stage) {
    CAPTURE(stage);
    CHECK(descent.last_changes().all[stage] == doctest::Approx(all[stage]));
    CHECK(descent.last_changes().weights[stage] == doctest::Approx(weights[stage]));
    CHECK(weights[stage] > 0);
  }
}

TEST_CASE("gradient_descent: stages before the boundary rest, and so does their momentum") {
  model m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::sgd{.momentum = 0.5});
  values velocity(first_stage + second_stage + last_stage, 0);
  values expected = trainable(m);
  for (const std::size_t boundary : {0U, 2U, 1U, 0U}) {
    backward(m, boundary);
    const values g = gradients(m);
    const std::size_t first = boundary == 0 ? 0 : boundary == 1 ? first_stage : first_stage + second_stage;
    for (std::size_t i = first; i < g.size(); ++i) {
      velocity[i] = 0.5 * velocity[i] + g[i];
      expected[i] -= 0.2 * velocity[i];
    }
    descent.step(0.2);
    CAPTURE(boundary);
    CHECK(largest_difference(trainable(m), expected) < 1e-14);
    CHECK(descent.last_changes().all[0] == (boundary == 0 ? descent.last_changes().all[0] : 0));
  }
}

TEST_CASE("gradient_descent: each parameter counts its own steps") {
  model m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::adam{});
  for (int step = 0; step < 3; ++step) {
    backward(m, 2);
    descent.step(0.01);
  }
  // Adam's first step is rate * sign(g): the correction of step 4 would make it about half of that.
  const values before = trainable(m);
  backward(m, 1);
  const values g = gradients(m);
  descent.step(0.01);
  const values after = trainable(m);
  for (std::size_t i = first_stage; i < first_stage + second_stage; ++i) {
    CHECK(after[i] - before[i] == doctest::Approx(g[i] > 0 ? -0.01 : 0.01).epsilon(1e-3));
  }
}

TEST_CASE("gradient_descent: state is allocated with the first step and freed below a boundary") {
  model m;
  m.prepare({.batch = 4});
  const auto state = [&] { return m.backend().counters().held(lo::memory_kind::optimizer_state); };
  lo::gradient_descent descent(m, lo::optimizer::sgd{});
  const std::size_t own = state();
  CHECK(own == (4 + 8) * sizeof(double));  // a change by row of the largest parameter, and one by parameter
  backward(m, 2);
  descent.step(0.1);
  CHECK(state() - own == last_stage * sizeof(double));
  backward(m, 0);
  descent.step(0.1);
  CHECK(state() - own == (first_stage + second_stage + last_stage) * sizeof(double));
  const std::size_t allocations = m.backend().counters().allocations;
  backward(m, 1);
  descent.step(0.1);
  CHECK(m.backend().counters().allocations == allocations);
  descent.release_below(1);
  CHECK(state() - own == (second_stage + last_stage) * sizeof(double));

  // What was freed starts anew: no momentum is left.
  backward(m, 0);
  const values g = gradients(m);
  const values before = trainable(m);
  descent.step(0.1);
  const values after = trainable(m);
  for (std::size_t i = 0; i < 4; ++i) CHECK(before[i] - after[i] == doctest::Approx(0.1 * g[i]));
}

TEST_CASE("gradient_descent: needs a backward pass, and an optimizer in its range") {
  model m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::plain{});
  CHECK_THROWS_WITH_AS(descent.step(0.1), "model: expected a backward pass before, found none", lo::config_error);
  backward(m, 2);
  const values before = trainable(m);
  CHECK_THROWS_WITH_AS(descent.step(0.1, std::array{1.0, 1.0}),
                       "gradient_descent::step: factors: expected one for each of the 3 stages, found 2",
                       lo::shape_error);
  CHECK_THROWS_WITH_AS(descent.step(0.1, std::array{1.0, -2.0, 1.0}),
                       "gradient_descent::step: factor of stage 1: expected a finite number of at least 0, found -2",
                       lo::config_error);
  CHECK_THROWS_AS(descent.step(0.1, std::array{1.0, 1.0, std::numeric_limits<double>::quiet_NaN()}), lo::config_error);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -0.1}) {
    CHECK_THROWS_WITH_AS(
        descent.step(bad),
        lo::text("gradient_descent::step: rate: expected a number from 0 to 1.79769e+308, found ", bad).c_str(),
        lo::config_error);
  }
  CHECK_THROWS_WITH_AS(
      descent.step(1e300, std::array{1.0, 1.0, 1e10}),
      "gradient_descent::step: rate times factor of stage 2: expected a number from 0 to 1.79769e+308, "
      "found inf",
      lo::config_error);
  CHECK(trainable(m) == before);
  CHECK_THROWS_WITH_AS((lo::gradient_descent(m, lo::optimizer::sgd{.momentum = 1})),
                       "sgd: momentum: expected a number in [0, 1), found 1", lo::config_error);
}

TEST_CASE("gradient_descent: clipped values and a clipped norm against a plain loop") {
  constexpr double none = std::numeric_limits<double>::infinity();
  for (const auto& [value, bound] :
       std::vector<std::array<double, 2>>{{none, 0.1}, {0.02, none}, {0.05, 0.15}, {1e3, 1e3}}) {
    model m;
    m.prepare({.batch = 4});
    lo::gradient_descent descent(m, lo::optimizer::sgd{.momentum = 0.5});
    descent.clip_value(value);
    descent.clip_norm(bound);
    values velocity(first_stage + second_stage + last_stage, 0);
    values expected = trainable(m);
    for (const std::size_t boundary : {0U, 1U, 0U}) {
      backward(m, boundary);
      values g = gradients(m);
      double squares = 0;
      for (double& one : g) {
        one = std::clamp(one, -value, value);
        squares += one * one;
      }
      const double factor = std::min(1.0, bound / (std::sqrt(squares) + 1e-6));
      const std::size_t first = boundary == 0 ? 0 : first_stage;
      for (std::size_t i = first; i < g.size(); ++i) {
        velocity[i] = 0.5 * velocity[i] + factor * g[i];
        expected[i] -= 0.2 * velocity[i];
      }
      descent.step(0.2);
      CHECK(largest_difference(trainable(m), expected) < 1e-14);
    }
  }
}

TEST_CASE("gradient_descent: a limit that is not reached changes no bit, and a limit must be positive") {
  const auto run = [](bool clips) {
    model m;
    m.prepare({.batch = 4});
    lo::gradient_descent descent(m, lo::optimizer::sgd{});
    if (clips) descent.clip_norm(1e6);
    for (int t = 0; t < 3; ++t) {
      backward(m, 0);
      descent.step(0.1);
    }
    return trainable(m);
  };
  CHECK(run(true) == run(false));
  model m;
  lo::gradient_descent descent(m, lo::optimizer::plain{});
  CHECK_THROWS_WITH_AS(descent.clip_norm(0), "gradient_descent::clip_norm: limit: expected a number > 0, found 0",
                       lo::config_error);
  CHECK_THROWS_WITH_AS(descent.clip_value(-1), "gradient_descent::clip_value: limit: expected a number > 0, found -1",
                       lo::config_error);
}

TEST_CASE("gradient_descent: accumulated batches make the step of all their samples") {
  using plain_net = lo::network<lo::vector_input<3>, lo::dense<4, lo::rule::oja>, lo::tanh, lo::dense<1>>;
  lo::model<plain_net, lo::reference::backend<double>> whole;
  lo::model<plain_net, lo::reference::backend<double>> parts;
  whole.prepare({.batch = 4});
  parts.prepare({.batch = 4});
  lo::gradient_descent all(whole, lo::optimizer::sgd{});
  lo::gradient_descent some(parts, lo::optimizer::sgd{});
  const auto run = [](auto& m, std::size_t first, std::size_t count) {
    m.forward(std::span<const double>(x).subspan(3 * first, 3 * count), count, {});
    (void)m.loss(lo::loss::mean_squared_error{}, {}, std::span<const double>(target).subspan(first, count));
    m.backward();
  };
  const auto weights = [](const auto& m) {
    values result;
    m.for_each_parameter([&](const auto&, const auto& p) { result.insert(result.end(), p.value, p.value + p.size()); });
    return result;
  };
  for (int t = 0; t < 3; ++t) {
    run(whole, 0, 4);
    all.step(0.1);
    const values before = weights(parts);
    run(parts, 0, 1);
    some.accumulate(1);
    CHECK(some.accumulates());
    run(parts, 1, 2);
    some.accumulate(2);
    CHECK(weights(parts) == before);
    run(parts, 3, 1);
    some.accumulate(1);
    some.step(0.1);
    CHECK_FALSE(some.accumulates());
    CHECK(largest_difference(weights(parts), weights(whole)) < 1e-15);
  }
  run(parts, 0, 4);
  some.accumulate(4);
  some.forget_accumulated();
  run(parts, 0, 4);
  run(whole, 0, 4);
  some.step(0.1);
  all.step(0.1);
  CHECK(largest_difference(weights(parts), weights(whole)) < 1e-15);
}

TEST_CASE(
    "gradient_descent: a stage that had a gradient in some of the accumulated batches steps by the mean of these") {
  model m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::plain{});
  const values before = trainable(m);
  backward(m, 0);
  const values of_all = gradients(m);
  descent.accumulate(4);
  backward(m, 2);
  const values of_last = gradients(m);
  descent.accumulate(4);
  descent.step(0.1);
  values expected = before;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool last = i >= first_stage + second_stage;
    expected[i] -= 0.1 * (last ? (of_all[i] + of_last[i]) / 2 : of_all[i]);
  }
  CHECK(largest_difference(trainable(m), expected) < 1e-15);
}

TEST_CASE("gradient_descent: groups have rates and decays of their own") {
  model m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::sgd{.momentum = 0, .weight_decay = 0.3});
  descent.group_parameters([](const lo::operation& op, const char* name) {
    lo::parameter_group group = lo::decay_weights_only(op, name);
    if (op.stage == 0) group.rate = 2;
    return group;
  });
  backward(m, 0);
  const values g = gradients(m);
  values expected = trainable(m);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const bool weight = i < 12 || (i >= first_stage && i < first_stage + 8) ||
                        (i >= first_stage + second_stage && i < first_stage + second_stage + 2);
    expected[i] -= (i < first_stage ? 0.2 : 0.1) * (g[i] + (weight ? 0.3 * expected[i] : 0));
  }
  descent.step(0.1);
  CHECK(largest_difference(trainable(m), expected) < 1e-15);
  CHECK_THROWS_WITH_AS(
      descent.group_parameters([](const auto&, const char*) { return lo::parameter_group{.rate = -1}; }),
      "gradient_descent::group_parameters: rate of dense weight of stage 0: expected a finite number >= 0, found -1",
      lo::config_error);
  lo::gradient_descent without(m, lo::optimizer::plain{});
  CHECK_THROWS_WITH_AS(without.group_parameters(lo::decay_weights_only),
                       "gradient_descent::group_parameters: decay of dense bias of stage 0: expected 1, since this "
                       "optimizer has no weight_decay, found 0",
                       lo::config_error);
}

namespace {

/// Has memory for so many of the optimizer's states, and then none.
std::size_t states_left = 100;
class limited : public lo::reference::backend<double> {
 public:
  template <class T>
  [[nodiscard]] auto allocate(lo::memory_kind kind, std::size_t size) const {
    if (kind == lo::memory_kind::optimizer_state && states_left-- == 0) throw lo::error("no memory");
    return lo::reference::backend<double>::allocate<T>(kind, size);
  }
};

}  // namespace

TEST_CASE("gradient_descent: where memory for the states runs out, no parameter has taken a step") {
  lo::model<net, limited> m;
  m.prepare({.batch = 4});
  lo::gradient_descent descent(m, lo::optimizer::adam{});
  m.forward(x, 4, {});
  (void)m.loss(lo::loss::mean_squared_error{}, {}, target);
  m.backward();
  const auto before = m.snapshot().arrays;
  states_left = 2;
  CHECK_THROWS_WITH_AS(descent.step(0.1), "no memory", lo::error);
  CHECK(m.snapshot().arrays == before);
  for (const std::size_t updates : descent.updates()) CHECK(updates == 0);
  states_left = 100;
  descent.step(0.1);
  for (const std::size_t updates : descent.updates()) CHECK(updates == 1);
}
