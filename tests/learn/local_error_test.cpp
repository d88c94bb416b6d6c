// Stages that learn from the error of a head of their own.

#include <algorithm>
#include <array>
#include <cmath>
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
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>

namespace localis_test::supervised {

namespace lo = localis;
using lo::rule::local_error;

namespace {

/// A stage's step, at layers `Is`, and its head's, against differences. The head is with the first of them.
template <class Net, std::size_t Stage, std::size_t First, std::size_t... More>
void check_step() {
  constexpr double tolerance = 1e-7;
  supervised_model<Net> s;
  constexpr double rate = 0.02;
  constexpr double head_rate = 0.3;
  const std::span<double> head = state_of(s.model.template layer<First>(), "head");
  s.model.template layer<First>().rule().head_rate = head_rate;
  const std::vector<double> head_before = copy_of(head);
  const std::array<std::span<double>, 1 + sizeof...(More)> weights{s.template weights<First>(),
                                                                   s.template weights<More>()...};
  std::vector<std::vector<double>> before;
  std::vector<std::vector<double>> expected;
  for (const auto& w : weights) {
    before.push_back(copy_of(w));
    expected.push_back(s.differences(w, Stage, head));
  }
  std::vector<double> head_copy = head_before;
  const std::vector<double> head_expected = s.differences(std::span(head_copy), Stage, head_copy);

  std::vector<std::vector<double>> others;
  s.model.for_each_parameter([&](const lo::operation&, const lo::parameter<double>& p) {
    if (p.trainable() && std::string_view(p.name) != "weight") others.push_back(copy_of(span_of(p)));
  });
  s.learn(Stage + 1, rate);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    CAPTURE(k);
    CHECK(deviation(followed(weights[k], before[k], rate), expected[k]) < tolerance);
  }
  CHECK(deviation(followed(head, head_before, head_rate), head_expected) < tolerance);
  std::size_t at = 0;
  s.model.for_each_parameter([&](const lo::operation&, const lo::parameter<double>& p) {
    if (p.trainable() && std::string_view(p.name) != "weight") CHECK(copy_of(span_of(p)) == others[at++]);
  });
  double change = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    for (std::size_t i = 0; i < weights[k].size(); ++i) change += std::pow(weights[k][i] - before[k][i], 2);
  }
  CHECK(s.model.read_update_statistics().change[Stage] == doctest::Approx(change).epsilon(1e-9));
}

using plain_stage = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, local_error>, lo::batch_norm,
                                lo::relu, lo::max_pool2d<2>, lo::dense<classes>>;
using two_stages = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, local_error>, lo::tanh,
                               lo::dense<5, local_error>, lo::tanh, lo::dense<classes>>;

}  // namespace

TEST_CASE("local_error: a step is rate times the gradient of the stage's own loss, through its layers") {
  check_step<plain_stage, 0, 0>();
}

TEST_CASE("local_error: a depthwise layer learns so, too") {
  check_step<lo::network<lo::image<6, 4, 2>, lo::depthwise_conv2d<3, lo::padding<1>, local_error>, lo::tanh,
                         lo::dense<classes>>,
             0, 0>();
}

TEST_CASE("local_error: in a residual block every layer's step is that of the block's loss") {
  check_step<lo::network<lo::image<6, 4, 2>, block, lo::tanh, lo::dense<classes>>, 0, 1, 4, 6>();
  // Behind a stage that learns by another rule.
  check_step<lo::network<lo::image<6, 4, 2>, lo::conv2d<2, 1, lo::rule::local<lo::rule::oja>>, block, lo::tanh,
                         lo::dense<classes>>,
             1, 2, 5, 7>();
}

TEST_CASE("local_error: in branches within each other every layer's step is that of the outer block's loss") {
  using excited =
      lo::multiplied<lo::branch<>, lo::branch<lo::global_average_pool, lo::dense<3, local_error>, lo::tanh>>;
  using branches = lo::concatenated<lo::branch<lo::conv2d<3, 1, local_error>, lo::batch_norm, excited>,
                                    lo::branch<lo::conv2d<2, 3, lo::padding<1>, local_error>, lo::tanh>>;
  check_step<lo::network<lo::image<6, 4, 2>, branches, lo::dense<classes>>, 0, 1, 6, 11>();
}

TEST_CASE("local_error: each stage learns from its own loss alone") {
  // Each as if it were the last before the boundary. The second sees the first's old output.
  supervised_model<two_stages> both;
  supervised_model<two_stages> first;
  both.learn(2, 0.05);
  first.learn(1, 0.05);
  CHECK(copy_of(both.weights<0>()) == copy_of(first.weights<0>()));
  CHECK(copy_of(state_of(both.model.layer<0>(), "head")) == copy_of(state_of(first.model.layer<0>(), "head")));

  supervised_model<two_stages> s;
  const std::vector<double> head = copy_of(state_of(s.model.layer<2>(), "head"));
  const std::vector<double> before = copy_of(s.weights<2>());
  const std::vector<double> expected = s.differences(s.weights<2>(), 1, head);
  CHECK(deviation(followed(both.weights<2>(), before, 0.05), expected) < 1e-7);
}

TEST_CASE("local_error: the gain and the step's scale multiply the stage's step, not its head's") {
  supervised_model<plain_stage> plain;
  supervised_model<plain_stage> gained;
  const std::vector<double> before = copy_of(plain.weights<0>());
  plain.learn(1, 0.05);
  gained.model.layer<0>().local().step.scale = 3;
  const std::vector<double> gains{0.5, 1};
  gained.model.forward(gained.x, samples,
                       {.boundary = 1, .local_rate = 0.05, .gain = 4, .stage_gains = gains, .labels = labels});
  CHECK(deviation(followed(gained.weights<0>(), before, 6), followed(plain.weights<0>(), before, 1)) < 1e-12);
  CHECK(copy_of(state_of(gained.model.layer<0>(), "head")) == copy_of(state_of(plain.model.layer<0>(), "head")));
}

TEST_CASE("local_error: each stage has its own gain") {
  supervised_model<two_stages> plain;
  supervised_model<two_stages> gained;
  const std::vector<double> first = copy_of(plain.weights<0>());
  const std::vector<double> second = copy_of(plain.weights<2>());
  plain.learn(2, 0.05);
  const std::vector<double> gains{0.5, 3, 1};
  gained.model.forward(gained.x, samples, {.boundary = 2, .local_rate = 0.05, .stage_gains = gains, .labels = labels});
  CHECK(deviation(followed(gained.weights<0>(), first, 0.5), followed(plain.weights<0>(), first, 1)) < 1e-12);
  CHECK(deviation(followed(gained.weights<2>(), second, 3), followed(plain.weights<2>(), second, 1)) < 1e-12);
}

TEST_CASE("local_error: heads of stages behind the boundary learn too, their weights do not") {
  supervised_model<two_stages> s;
  supervised_model<two_stages> before_boundary;
  const std::vector<double> first = copy_of(s.weights<0>());
  const std::vector<double> second = copy_of(s.weights<2>());
  s.learn(0, 0.05);
  before_boundary.learn(2, 0.05);
  CHECK(copy_of(s.weights<0>()) == first);
  CHECK(copy_of(s.weights<2>()) == second);
  CHECK(copy_of(state_of(s.model.layer<0>(), "head")) == copy_of(state_of(before_boundary.model.layer<0>(), "head")));
  CHECK(copy_of(state_of(s.model.layer<2>(), "head")) == copy_of(state_of(before_boundary.model.layer<2>(), "head")));
  // And the network's own gradient is what it is without heads.
  const auto gradient = [](double rate) {
    supervised_model<two_stages> one;
    one.learn(0, rate);
    (void)one.model.loss(lo::loss::softmax_cross_entropy{}, labels);
    one.model.backward();
    std::vector<double> all;
    one.model.for_each_gradient([&](const lo::operation&, const lo::parameter<double>& p, const double* g) {
      all.insert(all.end(), g, g + p.size());
    });
    return all;
  };
  CHECK(gradient(0.05) == gradient(0));
}

TEST_CASE("local_error: a step is that of the labelled samples alone") {
  supervised_model<two_stages> some;
  supervised_model<two_stages> alone;
  std::vector<std::uint32_t> marked = labels;
  marked[1] = marked[4] = lo::data::unlabelled;
  std::vector<double> x;
  std::vector<std::uint32_t> kept;
  for (std::size_t n = 0; n < samples; ++n) {
    if (marked[n] == lo::data::unlabelled) continue;
    x.insert(x.end(), some.x.begin() + static_cast<std::ptrdiff_t>(n * two_stages::input.size()),
             some.x.begin() + static_cast<std::ptrdiff_t>((n + 1) * two_stages::input.size()));
    kept.push_back(labels[n]);
  }
  some.model.forward(some.x, samples, {.boundary = 2, .local_rate = 0.05, .labels = marked});
  alone.model.forward(x, kept.size(), {.boundary = 2, .local_rate = 0.05, .labels = kept});
  const auto same = [](std::span<const double> a, std::span<const double> b) {
    CHECK(deviation(copy_of(a), copy_of(b)) < 1e-14);
  };
  same(some.weights<0>(), alone.weights<0>());
  same(some.weights<2>(), alone.weights<2>());
  same(state_of(some.model.layer<0>(), "head"), state_of(alone.model.layer<0>(), "head"));

  const std::vector<double> before = copy_of(some.weights<0>());
  const std::vector<std::uint32_t> none(samples, lo::data::unlabelled);
  some.model.forward(some.x, samples, {.boundary = 2, .local_rate = 0.05, .labels = none});
  CHECK(copy_of(some.weights<0>()) == before);
  same(state_of(some.model.layer<0>(), "head"), state_of(alone.model.layer<0>(), "head"));
}

TEST_CASE("local_error: a head starts at random, and from 0 its stage would rest for the first step") {
  supervised_model<plain_stage> s;
  const std::span<double> head = state_of(s.model.layer<0>(), "head");
  CHECK(std::none_of(head.begin(), head.end(), [](double h) { return h == 0; }));
  std::fill(head.begin(), head.end(), 0.0);
  const std::vector<double> before = copy_of(s.weights<0>());
  s.learn(1, 0.05);
  CHECK(copy_of(s.weights<0>()) == before);
  s.learn(1, 0.05);
  CHECK(copy_of(s.weights<0>()) != before);
}

TEST_CASE("local_error: at head_rate 0 the head stays as it was drawn") {
  supervised_model<plain_stage> s;
  s.model.layer<0>().rule().head_rate = 0;
  const std::vector<double> drawn = copy_of(state_of(s.model.layer<0>(), "head"));
  const std::vector<double> before = copy_of(s.weights<0>());
  s.learn(1, 0.05);
  CHECK(copy_of(state_of(s.model.layer<0>(), "head")) == drawn);
  CHECK(copy_of(s.weights<0>()) != before);
}

TEST_CASE("local_error: many steps bring the stage's own loss down") {
  supervised_model<plain_stage> s;
  const std::span<double> head = state_of(s.model.layer<0>(), "head");
  const double start = s.local_loss(0, head);
  for (int i = 0; i < 200; ++i) s.learn(1, 0.2);
  CHECK(s.local_loss(0, head) < 0.3 * start);
}

TEST_CASE("local_error: at rate 0, and in evaluation, nothing learns and nothing is asked for") {
  supervised_model<two_stages> s;
  const auto all = [&] {
    std::vector<double> values;
    s.model.for_each_layer([&](const lo::operation& op, const auto& layer) {
      if (!op.trainable()) return;
      for (const auto& p : layer.parameters()) values.insert(values.end(), p.value, p.value + p.size());
      if constexpr (requires { layer.states(); }) {
        for (const auto& p : layer.states()) values.insert(values.end(), p.value, p.value + p.size());
      }
    });
    return values;
  };
  const std::vector<double> before = all();
  s.model.forward(s.x, samples, {.boundary = 2});
  s.model.forward(s.x, samples, {.boundary = 0});
  (void)s.model.predict(s.x, samples);
  CHECK(all() == before);
  s.model.prepare({.batch = samples, .local_learning = false});
  s.model.forward(s.x, samples, {.boundary = 1});
  CHECK(all() == before);
}

TEST_CASE("local_error: labels that are missing or out of range are named") {
  supervised_model<plain_stage> s;
  const lo::step_options bare{.boundary = 1, .local_rate = 0.1};
  CHECK_THROWS_WITH_AS(
      s.model.forward(s.x, samples, bare),
      "model::forward: rule local_error of stage 0: expected step_options::labels with one entry for each of "
      "the 6 samples, found 0",
      lo::config_error);
  const std::vector<std::uint32_t> few{0, 1};
  CHECK_THROWS_WITH_AS(
      s.model.forward(s.x, samples, {.boundary = 0, .local_rate = 0.1, .labels = few}),
      "model::forward: rule local_error of stage 0: expected step_options::labels with one entry for each of "
      "the 6 samples, found 2",
      lo::config_error);
  const std::vector<std::uint32_t> wrong{0, 1, 2, 3, 0, 1};
  CHECK_THROWS_WITH_AS(s.model.forward(s.x, samples, {.boundary = 1, .local_rate = 0.1, .labels = wrong}),
                       "model::forward: label: expected a class below 3, found 3", lo::data_error);
}

TEST_CASE("local_error: the model looks at its values") {
  supervised_model<plain_stage> s;
  s.model.layer<0>().rule().head_rate = -1;
  CHECK_THROWS_AS(s.model.validate(), lo::config_error);
}

}  // namespace localis_test::supervised
