// Stages that learn from an error: a head of their own, or a guess of the network's.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using lo::rule::error_feedback;
using lo::rule::local_error;
using reference = lo::reference::backend<double>;

namespace {

constexpr std::size_t classes = 3;
constexpr std::size_t samples = 6;
const std::vector<std::uint32_t> labels{0, 2, 1, 1, 0, 2};
const std::vector<std::uint32_t> indices{7, 0, 3, 11, 5, 2};

std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const lo::random_stream random(23, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

double deviation(const std::vector<double>& a, const std::vector<double>& b) {
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

std::vector<double> copy_of(std::span<const double> from) { return {from.begin(), from.end()}; }
std::span<double> span_of(const lo::parameter<double>& p) { return {p.value, p.size()}; }

/// (after - before) / -rate: the gradient that a step has followed.
std::vector<double> followed(std::span<const double> after, std::span<const double> before, double rate) {
  std::vector<double> gradient;
  for (std::size_t i = 0; i < after.size(); ++i) gradient.push_back((before[i] - after[i]) / rate);
  return gradient;
}

template <class Layer>
std::span<double> state_of(const Layer& layer, std::string_view name) {
  for (const auto& p : layer.states()) {
    if (name == p.name) return {p.value, p.size()};
  }
  FAIL("no state of this name");
  return {};
}

/// A network with a batch of its own.
template <class Net, class Backend = reference>
struct supervised_model {
  lo::model<Net, Backend> model;
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
  std::vector<double> differences(std::span<double> of, std::size_t stage, std::span<const double> head) {
    std::vector<double> gradient;
    for (double& value : of) {
      const double middle = value;
      constexpr double step = 1e-5;
      value = middle + step;
      const double up = local_loss(stage, head);
      value = middle - step;
      const double down = local_loss(stage, head);
      value = middle;
      gradient.push_back((up - down) / (2 * step));
    }
    return gradient;
  }
};

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
    if (p.trainable && std::string_view(p.name) != "weight") others.push_back(copy_of(span_of(p)));
  });
  s.learn(Stage + 1, rate);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    CAPTURE(k);
    CHECK(deviation(followed(weights[k], before[k], rate), expected[k]) < tolerance);
  }
  CHECK(deviation(followed(head, head_before, head_rate), head_expected) < tolerance);
  std::size_t at = 0;
  s.model.for_each_parameter([&](const lo::operation&, const lo::parameter<double>& p) {
    if (p.trainable && std::string_view(p.name) != "weight") CHECK(copy_of(span_of(p)) == others[at++]);
  });
  double change = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    for (std::size_t i = 0; i < weights[k].size(); ++i) change += std::pow(weights[k][i] - before[k][i], 2);
  }
  CHECK(s.model.read_update_statistics().change[Stage] == doctest::Approx(change).epsilon(1e-9));
}

using plain_stage = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, local_error>, lo::batch_norm,
                                lo::relu, lo::max_pool2d<2>, lo::dense<classes>>;
using block = lo::residual<lo::shortcut<lo::conv2d<3, 1, lo::stride<2>, local_error>, lo::batch_norm>,
                           lo::conv2d<4, 3, lo::stride<2>, lo::padding<1>, local_error>, lo::batch_norm, lo::tanh,
                           lo::conv2d<3, 3, lo::padding<1>, local_error>>;
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

TEST_CASE("supervised rules: at rate 0, and in evaluation, nothing learns and nothing is asked for") {
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

TEST_CASE("supervised rules: a dry run changes nothing, before and behind the boundary") {
  using net = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, local_error>, lo::tanh,
                          lo::dense<5, error_feedback>, lo::tanh, lo::dense<classes>>;
  supervised_model<net> s;
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
  const auto pass = [&](std::size_t boundary, bool apply_updates) {
    s.model.forward(s.x, samples,
                    {.boundary = boundary,
                     .local_rate = 0.1,
                     .labels = labels,
                     .indices = indices,
                     .apply_updates = apply_updates});
    (void)s.model.loss(lo::loss::softmax_cross_entropy{}, labels);
    s.model.backward();
  };
  for (const std::size_t boundary : {0U, 1U, 2U}) {
    CAPTURE(boundary);
    pass(boundary, true);  // Q is worked out when it is first wanted
    const std::vector<double> before = all();
    pass(boundary, false);
    CHECK(all() == before);
    pass(boundary, true);
    CHECK(all() != before);
  }
}

TEST_CASE("supervised rules: the same steps on cpu, tile by tile and on threads") {
  using cpu = lo::cpu::backend<double>;
  using net = lo::network<lo::image<6, 4, 2>, lo::conv2d<2, 3, lo::padding<1>, local_error>, lo::relu, block, lo::relu,
                          lo::dense<5, local_error>, lo::relu, lo::dense<classes>>;
  supervised_model<net> expected;
  supervised_model<net, cpu> found(5, cpu({.threads = 3, .tile_bytes = 1024, .grain = 1}));
  for (const std::size_t boundary : {3U, 1U, 0U, 2U, 3U}) {
    expected.learn(boundary, 0.05);
    found.learn(boundary, 0.05);
  }
  std::vector<double> wanted;
  expected.model.for_each_parameter(
      [&](const lo::operation&, const auto& p) { wanted.insert(wanted.end(), p.value, p.value + p.size()); });
  std::vector<double> got;
  found.model.for_each_parameter(
      [&](const lo::operation&, const auto& p) { got.insert(got.end(), p.value, p.value + p.size()); });
  CHECK(deviation(got, wanted) < 1e-12);
}

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
  const std::size_t at_start = counters.of(lo::memory_kind::rule_state);
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

TEST_CASE("supervised rules: what is planned is what is counted, at every boundary") {
  using cpu = lo::cpu::backend<double>;
  using net = lo::network<lo::image<6, 4, 2>, lo::conv2d<4, 3, lo::padding<1>, error_feedback>, lo::relu, block,
                          lo::relu, lo::dense<5, local_error>, lo::relu, lo::dense<classes>>;
  for (const std::size_t threads : {1U, 2U}) {
    lo::model<net, cpu> m({}, cpu({.threads = threads, .grain = 1}));
    const auto& counters = m.backend().counters();
    CHECK(m.summary().rule_state_bytes == counters.of(lo::memory_kind::rule_state));
    const std::vector<double> x = normal(samples * net::input.size(), 1);
    for (std::size_t lowest = 0; lowest <= net::highest_boundary; ++lowest) {
      m.prepare({.batch = samples, .lowest_boundary = lowest, .samples = 2 * samples});
      const auto rows = m.summary().memory;
      std::size_t largest = 0;
      for (const auto& row : rows) largest = std::max(largest, row.arena);
      CAPTURE(lowest);
      CHECK(rows.size() == net::highest_boundary + 1 - lowest);
      CHECK(counters.of(lo::memory_kind::arena) == largest);
      CHECK(rows[0].arena >= std::max({rows[0].activations, rows[0].gradients, rows[0].scratch}));
      CHECK(rows[0].arena <= rows[0].activations + rows[0].gradients + rows[0].scratch);
      // The first pass makes room for labels, indices and errors of a batch; later ones for nothing.
      std::size_t allocations = 0;
      for (std::size_t boundary = lowest; boundary <= net::highest_boundary; ++boundary) {
        m.forward(x, samples, {.boundary = boundary, .local_rate = 0.01, .labels = labels, .indices = indices});
        (void)m.loss(lo::loss::softmax_cross_entropy{}, labels);
        m.backward();
        if (boundary > lowest) CHECK(counters.allocations == allocations);
        allocations = counters.allocations;
      }
    }
    // Frozen, nothing of it is needed.
    m.prepare({.batch = samples, .lowest_boundary = 3, .samples = 2 * samples});
    const std::size_t learning = counters.of(lo::memory_kind::arena);
    m.prepare({.batch = samples, .lowest_boundary = 3, .local_learning = false});
    CHECK(counters.of(lo::memory_kind::arena) < learning);
  }
}

TEST_CASE("supervised rules: labels and indices that are missing or out of range are named") {
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

TEST_CASE("supervised rules: values out of range are named") {
  CHECK_THROWS_WITH_AS(local_error{.head_rate = -1}.validate(),
                       "local_error: head_rate: expected a finite number >= 0, found -1", lo::config_error);
  CHECK_THROWS_WITH_AS(error_feedback{.memory = 1}.validate(),
                       "error_feedback: memory: expected a number in [0, 1), found 1", lo::config_error);
  CHECK_THROWS_WITH_AS(error_feedback{.ridge = 0}.validate(),
                       "error_feedback: ridge: expected a finite number > 0, found 0", lo::config_error);
  supervised_model<plain_stage> s;
  s.model.layer<0>().rule().head_rate = -1;
  CHECK_THROWS_AS(s.model.validate(), lo::config_error);
}
