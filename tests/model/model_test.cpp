#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "support/message.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using lo::rule::oja;
using localis_test::message;

namespace {

using backend = lo::reference::backend<double>;
using cross_entropy = lo::loss::softmax_cross_entropy;
using values = std::vector<double>;
using labels = std::vector<std::uint32_t>;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Stages: 0 convolution, 1 block, 2 block with projection, 3 and 4 dense.
using net =
    lo::network<lo::image<6, 6, 2>, lo::conv2d<3, 3, lo::padding<1>, oja>, lo::batch_norm, lo::tanh,
                lo::residual<lo::conv2d<3, 3, lo::padding<1>, oja>, lo::batch_norm, lo::tanh, lo::conv2d<3, 1, oja>>,
                lo::tanh,
                lo::residual<lo::shortcut<lo::conv2d<4, 1, lo::stride<2>, lo::no_bias, oja>, lo::batch_norm>,
                             lo::conv2d<4, 3, lo::stride<2>, lo::padding<1>, oja>>,
                lo::average_pool2d<3>, lo::dropout, lo::dense<5, oja>, lo::tanh, lo::dense<3>>;
using model = lo::model<net, backend>;
static_assert(net::stages == 5 && net::highest_boundary == 4);

values normal(std::size_t size, std::uint64_t seed) {
  const lo::random_stream stream(seed, 1);
  values result(size);
  for (std::size_t i = 0; i < size; ++i) result[i] = stream.normal(i);
  return result;
}

/// All parameters of all stages, or of one.
template <class Model>
values parameters(const Model& m, std::size_t stage = Model::stages) {
  values all;
  m.for_each_parameter([&](const lo::operation& op, const auto& p) {
    if (stage == Model::stages || op.stage == stage) all.insert(all.end(), p.value, p.value + p.size());
  });
  return all;
}

constexpr std::size_t batch = 4;
const labels wanted{0, 2, 1, 2};

}  // namespace

TEST_CASE("model: gradients of the whole network, at every boundary, by finite differences") {
  model m{{.seed = 5}};
  m.prepare({.batch = batch, .normalization = lo::prefix_normalization::batch});
  const values x = normal(batch * net::input.size(), 1);
  for (std::size_t boundary = 0; boundary <= net::highest_boundary; ++boundary) {
    const lo::step_options how{.boundary = boundary, .normalization = lo::prefix_normalization::batch, .step = 7};
    const auto loss = [&] {
      m.forward(x, batch, how);
      return m.loss(cross_entropy{}, wanted);
    };
    struct array {
      std::string name;
      std::size_t stage;
      double* value;
      values gradient;
    };
    std::vector<array> arrays;
    (void)loss();
    m.backward();
    m.for_each_gradient([&](const lo::operation& op, const auto& p, const double* gradient) {
      arrays.push_back({p.name, op.stage, p.value, values(gradient, gradient + p.size())});
    });
    double worst = 0;
    double largest = 0;
    for (const array& a : arrays) {
      if (a.stage < boundary) worst = 1;
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
    // weight and bias of 7 linear layers, one without bias; gamma and beta of 3 normalizations
    constexpr std::size_t count[] = {19, 15, 9, 4, 2};
    CHECK(arrays.size() == count[boundary]);
  }
}

TEST_CASE("model: a pass changes the weight matrices of the prefix and nothing else") {
  const values x = normal(batch * net::input.size(), 2);
  model m{{.seed = 6}};
  m.prepare({.batch = batch});
  for (std::size_t boundary = 0; boundary <= net::highest_boundary; ++boundary) {
    std::vector<values> before;
    m.for_each_parameter(
        [&](const lo::operation&, const auto& p) { before.emplace_back(p.value, p.value + p.size()); });
    m.forward(x, batch, {.boundary = boundary, .local_rate = 1e-3});
    (void)m.loss(cross_entropy{}, wanted);
    m.backward();
    std::size_t at = 0;
    m.for_each_parameter([&](const lo::operation& op, const auto& p) {
      const bool changed = !std::equal(p.value, p.value + p.size(), before[at++].begin());
      const bool weights = std::string(p.name) == "weight";
      if (changed != (p.trainable() ? weights && op.stage < boundary : true)) {
        CAPTURE(boundary);
        CAPTURE(op.stage);
        CHECK(p.name == "as it should be");
      }
    });
    CHECK(at == 19 + 6);
  }
}

TEST_CASE("model: local rate and gain") {
  const values x = normal(batch * net::input.size(), 3);
  const auto run = [&](double rate, double gain) {
    model m{{.seed = 7}};
    m.prepare({.batch = batch});
    m.forward(x, batch, {.boundary = 3, .local_rate = rate, .gain = gain, .normalization = {}});
    return parameters(m);
  };
  const values frozen = run(0, 1);
  const auto change = [&](const values& after) {
    double largest = 0;
    for (std::size_t i = 0; i < frozen.size(); ++i) largest = std::max(largest, std::abs(after[i] - frozen[i]));
    return largest;
  };
  CHECK(run(0, 3) == frozen);
  CHECK(run(1e-3, 0) == frozen);
  CHECK(change(run(1e-3, 1)) > 1e-5);
  CHECK(run(0x1p-10, 2) == run(0x1p-9, 1));
  CHECK(run(0x1p-10, 1) != run(0x1p-9, 1));
}

TEST_CASE("model: the seed decides the weights") {
  CHECK(parameters(model{{.seed = 1}}) == parameters(model{{.seed = 1}}));
  CHECK(parameters(model{{.seed = 1}}) != parameters(model{{.seed = 2}}));
  const values first = parameters(model{{.seed = 1}}, 1);
  CHECK(std::count(first.begin(), first.end(), 0.0) == 3 + 3 + 3 + 3);  // biases, beta, running mean
}

TEST_CASE("model: predictions do not depend on how the samples are cut, and change nothing") {
  constexpr std::size_t samples = 11;
  const values x = normal(samples * net::input.size(), 4);
  model m{{.seed = 8}};
  const values whole = m.predict(x, samples);  // prepares by itself
  CHECK(whole.size() == samples * 3);
  const values before = parameters(m);
  m.prepare({.batch = 4});
  CHECK(m.predict(x, samples) == whole);
  CHECK(parameters(m) == before);

  labels right(samples, 1);
  std::size_t correct = 0;
  double loss = 0;
  for (std::size_t n = 0; n < samples; ++n) {
    const double* row = whole.data() + 3 * n;
    correct += row[1] > row[0] && row[1] > row[2] ? 1 : 0;
    loss += std::log(std::exp(row[0]) + std::exp(row[1]) + std::exp(row[2])) - row[1];
  }
  const auto seen = m.evaluate(cross_entropy{}, x, right);
  CHECK(seen.correct == correct);
  CHECK(seen.loss == doctest::Approx(loss / samples));
}

namespace {

using small = lo::network<lo::image<1, 2, 2>, lo::dense<3, lo::rule::hebb>, lo::dense<2, oja>, lo::dense<2>>;

}  // namespace

TEST_CASE("model: training and evaluation agree where no layer tells them apart") {
  lo::model<small, backend> m;
  m.prepare({.batch = 3});
  const values x = normal(12, 9);
  const values predicted = m.predict(x, 3);
  const auto output = m.forward(x, 3, {});
  CHECK(values(output.begin(), output.end()) == predicted);
  const labels right{1, 0, 1};
  const std::size_t correct = m.correct(right);
  const double loss = m.loss(cross_entropy{}, right);
  const auto seen = m.evaluate(cross_entropy{}, x, right);
  CHECK(loss == doctest::Approx(seen.loss));
  CHECK(correct == seen.correct);

  m.forward(x, 3, {.classes = 1});  // then the only class is right for sure, whatever the other output
  CHECK(m.correct(labels{0, 0, 0}) == 3);
  CHECK(m.loss(cross_entropy{}, labels{0, 0, 0}) == doctest::Approx(0.0));
  CHECK(m.evaluate(cross_entropy{}, x, labels{0, 0, 0}, {}, 1).correct == 3);
  const values targets{0, 1, 2, 3, 4, 5};
  m.forward(x, 3, {});
  double squares = 0;
  for (std::size_t i = 0; i < 6; ++i) squares += (predicted[i] - targets[i]) * (predicted[i] - targets[i]);
  CHECK(m.loss(lo::loss::mean_squared_error{}, {}, targets) == doctest::Approx(squares / 6));
}

TEST_CASE("model: summary and work fractions") {
  lo::model<small, backend> m;
  lo::summary s = m.summary();
  CHECK(s.backend == "reference");
  CHECK(s.stages == 3);
  CHECK(s.highest_boundary == 2);
  CHECK(s.rows.size() == 3);
  CHECK(s.rows[0].multiply_adds == 12);
  CHECK(s.rows[0].rule == "hebb");
  CHECK(s.rows[2].rule == "gradient");
  CHECK(s.memory.empty());
  m.prepare({.batch = 3, .lowest_boundary = 1});
  s = m.summary();
  CHECK(s.batch == 3);
  CHECK(s.memory.size() == 2);
  CHECK(s.memory[0].boundary == 1);
  CHECK(s.memory[1].optimizer_arrays == 6 * sizeof(double));
  const auto fractions = decltype(m)::work_fractions();
  CHECK(fractions[0] == doctest::Approx(12.0 / 22));
  CHECK(fractions[2] == doctest::Approx(4.0 / 22));
}

TEST_CASE("model: a rule's values and a layer's are set at run time and checked") {
  lo::model<small, backend> m;
  m.layer<0>().rule().decay = 0.25;
  CHECK_NOTHROW(m.validate());
  m.layer<0>().rule().decay = -1;
  CHECK(message<lo::config_error>([&] { m.validate(); }) == "hebb: decay: expected a finite number >= 0, found -1");
  model other;
  other.layer<18>().rate = 1;
  CHECK(message<lo::config_error>([&] { other.validate(); }) == "dropout: rate: expected a number in [0, 1), found 1");
}

TEST_CASE("model: it looks at the values of all of its layers") {
  using three =
      lo::network<lo::vector_input<3>, lo::dense<4, oja>, lo::dense<4, lo::rule::krotov_hopfield>, lo::dense<2>>;
  lo::model<three, backend> m;
  m.validate();
  m.layer<1>().rule().rank = 1;
  CHECK_THROWS_WITH_AS(m.validate(), "krotov_hopfield: rank: expected at least 2, found 1", lo::config_error);
}

TEST_CASE("model: calls out of order") {
  lo::model<small, backend> m;
  const values x = normal(12, 9);
  const labels right{1, 0, 1};
  const auto forward = [&] { m.forward(x, 3, {}); };
  const auto loss = [&] { (void)m.loss(cross_entropy{}, right); };
  const auto backward = [&] { m.backward(); };
  const auto gradients = [&] { m.for_each_gradient([](const auto&...) {}); };
  const auto correct = [&] { (void)m.correct(right); };
  using error = lo::config_error;
  CHECK(message<error>(forward) == "model::forward: expected a call of prepare() before, found none");
  CHECK(message<error>(correct) == "model::correct: expected a forward pass before, found none");
  m.prepare({.batch = 3});
  const std::string no_forward = "model::loss: expected a forward pass before, found none";
  const std::string no_loss = "model::backward: expected a call of loss() before, found none";
  const std::string no_backward = "model: expected a backward pass before, found none";
  CHECK(message<error>(loss) == no_forward);
  CHECK(message<error>(backward) == no_loss);
  CHECK(message<error>(gradients) == no_backward);
  forward();
  CHECK(message<error>(backward) == no_loss);
  loss();
  CHECK(message<error>(gradients) == no_backward);
  backward();
  CHECK(message<error>(gradients) == "nothing");
  CHECK(message<error>(backward) == no_loss);
  (void)m.predict(x, 3);
  CHECK(message<error>(gradients) == no_backward);
  CHECK(message<error>(loss) == no_forward);
  forward();
  m.prepare({.batch = 5});
  CHECK(message<error>(loss) == no_forward);
}

TEST_CASE("model: bad values") {
  lo::model<small, backend> m;
  const values x = normal(16, 9);
  const std::span<const double> three(x.data(), 12);
  const auto prepare = [&](const lo::memory_request& request) { return [&m, request] { m.prepare(request); }; };
  const auto forward = [&](const lo::step_options& how) { return [&m, three, how] { m.forward(three, 3, how); }; };
  CHECK(message<lo::config_error>(prepare({.batch = 0})) == "model::prepare: batch: expected at least 1, found 0");
  CHECK(message<lo::config_error>(prepare({.lowest_boundary = 3})) ==
        "model::prepare: lowest_boundary: expected at most 2 (the last stage, and every stage without a rule, learn by "
        "gradient), found 3");
  CHECK(
      message<lo::config_error>(prepare({.batch = std::size_t{1} << 32U})) ==
      "model::prepare: batch: expected at most 2147483647, since kernels count rows in 31 bits (dense: 1 per sample), "
      "found 4294967296");

  m.prepare({.batch = 3, .lowest_boundary = 1});
  CHECK(message<lo::shape_error>([&] { m.forward(x, 3, {.boundary = 1}); }) ==
        "model::forward: expected 3 samples of 1x2x2 = 12 values (at least one sample), found 16");
  CHECK(message<lo::shape_error>([&] { m.forward({}, 0, {.boundary = 1}); }) ==
        "model::forward: expected 0 samples of 1x2x2 = 0 values (at least one sample), found 0");
  CHECK(message<lo::shape_error>([&] { m.forward(x, 4, {.boundary = 1}); }) ==
        "model::forward: expected at most 3 samples, as prepared, found 4");
  CHECK(message<lo::config_error>(forward({.boundary = 0})) ==
        "model::forward: boundary: expected 1 to 2, as prepared, found 0");
  CHECK(message<lo::config_error>(forward({.boundary = 3})) ==
        "model::forward: boundary: expected 1 to 2, as prepared, found 3");
  CHECK(message<lo::config_error>(forward({.boundary = 1, .local_rate = -1e-3})) ==
        "model::forward: local_rate: expected a finite number >= 0, found -0.001");
  CHECK(message<lo::config_error>(forward({.boundary = 1, .local_rate = not_a_number})) ==
        "model::forward: local_rate: expected a finite number >= 0, found nan");

  m.forward(three, 3, {.boundary = 1});
  const auto loss = [&](const labels& right, const values& targets = {}) {
    return [&m, right, targets] { (void)m.loss(cross_entropy{}, right, targets); };
  };
  CHECK(message<lo::shape_error>(loss({0, 1})) == "model::loss: expected 3 labels, found 2");
  CHECK(message<lo::data_error>(loss({0, 1, 2})) == "model::loss: label: expected a class below 2, found 2");
  CHECK(message<lo::shape_error>(loss({}, {1, 2, 3})) == "model::loss: expected 3 rows of 2 targets, found 3 values");
  CHECK(message<lo::data_error>([&] {
          (void)m.evaluate(cross_entropy{}, three, labels{0, 5, 0});
        }) == "model::evaluate: label: expected a class below 2, found 5");
  CHECK(message<lo::data_error>([&] {
          (void)m.evaluate(cross_entropy{}, three, labels{0, 1, 0}, {}, 1);
        }) == "model::evaluate: label: expected a class below 1, found 1");
  CHECK(message<lo::config_error>(forward({.boundary = 1, .classes = 3})) ==
        "model::forward: classes: expected at most the network's 2 outputs, found 3");
  CHECK(message<lo::shape_error>([&] { (void)m.predict(three, 4); }) ==
        "model::predict: expected 4 samples of 1x2x2 = 16 values (at least one sample), found 12");

  m.prepare({.batch = 3, .local_learning = false});
  CHECK(message<lo::config_error>(forward({.boundary = 1, .local_rate = 0.5})) ==
        "model::forward: local_rate: expected 0, since the memory was prepared without local learning, found 0.5");
  CHECK(message<lo::config_error>(forward({.boundary = 1})) == "nothing");
  m.prepare({.batch = 3, .training = false});
  CHECK(message<lo::config_error>(forward({})) ==
        "model::forward: expected memory prepared for training, found prepared for predictions only");
}

TEST_CASE("model: bytes are the features that they stand for") {
  std::vector<std::uint8_t> pixels(11 * net::input.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i % 251);
  std::vector<float> table(256 * 2);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / 256.0F - static_cast<float>(i % 2);
  values x(pixels.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(table[std::size_t{2} * pixels[i] + i % 2]);
  const labels right(11, 1);
  const lo::data::batch_view<double> bytes{.size = 11, .labels = right, .pixels = pixels, .pixel_values = table};
  model by_features;
  model by_bytes;
  const values predicted = by_features.predict(x, 11);
  CHECK(by_bytes.predict(bytes) == predicted);  // prepares by itself
  CHECK(by_bytes.memory().pixels);
  CHECK(by_bytes.predict(x, 11) == predicted);
  by_bytes.prepare({.batch = 4, .pixels = true});
  CHECK(by_bytes.predict(bytes) == predicted);
  CHECK(by_bytes.evaluate(cross_entropy{}, bytes).loss == by_features.evaluate(cross_entropy{}, x, right).loss);

  by_features.prepare({.batch = 11});
  by_bytes.prepare({.batch = 11, .pixels = true});
  const auto arena_of = [](const model& m) { return m.backend().counters().snapshot().held(lo::memory_kind::arena); };
  CHECK(arena_of(by_bytes) == arena_of(by_features) + lo::workspace::round_up(11 * net::input.size() * sizeof(double)));
  CHECK(by_bytes.summary().memory[0].arena ==
        by_features.summary().memory[0].arena + arena_of(by_bytes) - arena_of(by_features));
  const auto expected = by_features.forward(x, 11, {.boundary = 2, .local_rate = 1e-3});
  const auto found = by_bytes.forward(bytes, {.boundary = 2, .local_rate = 1e-3});
  CHECK(values(found.begin(), found.end()) == values(expected.begin(), expected.end()));
  CHECK(parameters(by_bytes) == parameters(by_features));
  CHECK_THROWS_AS(by_features.forward(bytes, {}), lo::config_error);
  CHECK_THROWS_AS((void)by_features.predict(bytes), lo::config_error);
}

namespace {

template <class Model>
concept gives_gains = requires(Model& m) {
  m.gains();
};

}  // namespace

TEST_CASE("model: weights, biases and states are at hand, and a const model gives no pointers to change them") {
  using seen = lo::network<lo::vector_input<3>, lo::dense<4, lo::rule::bcm>, lo::batch_norm, lo::tanh,
                           lo::dense<2, lo::no_bias>>;
  using model_type = lo::model<seen, lo::reference::backend<double>>;
  model_type m;
  const model_type& constant = m;
  CHECK(m.layer<0>().weight().size() == 12);
  CHECK(m.layer<0>().bias().size() == 4);
  CHECK(m.layer<3>().bias().empty());
  CHECK(m.host_copy(constant.layer<0>().state()) == std::vector<double>(4, 1.0));
  m.layer<0>().weight()[5] = 7;
  CHECK(constant.layer<0>().weight()[5] == 7);
  CHECK(m.host_copy(constant.layer<0>().weight())[5] == 7);
  CHECK(m.layer<0>().weight().data() == m.layer<0>().parameters()[0].value);

  static_assert(std::is_same_v<decltype(m.layer<0>().weight()), std::span<double>>);
  static_assert(std::is_same_v<decltype(constant.layer<0>().weight()), std::span<const double>>);
  static_assert(std::is_same_v<decltype(constant.layer<0>().bias()), std::span<const double>>);
  static_assert(std::is_same_v<decltype(constant.layer<0>().state()), std::span<const double>>);
  static_assert(std::is_same_v<decltype(constant.layer<0>().parameters()[0].value), const double*>);
  static_assert(std::is_same_v<decltype(constant.layer<0>().states()[0].value), const double*>);
  static_assert(std::is_same_v<decltype(constant.layer<1>().parameters()[0].value), const double*>);
  static_assert(std::is_same_v<decltype(constant.remembered_errors()), std::span<const double>>);
  static_assert(!gives_gains<const model_type> && gives_gains<model_type>);
  constant.for_each_parameter(
      [](const lo::operation&, const auto& p) { static_assert(std::is_same_v<decltype(p.value), const double*>); });
  constant.for_each_state(
      [](const lo::operation&, const auto& p) { static_assert(std::is_same_v<decltype(p.value), const double*>); });
}

TEST_CASE("model: a snapshot holds all that a model knows, and only fits the same network") {
  using learning = lo::network<lo::vector_input<3>, lo::dense<4, lo::rule::local<lo::rule::bcm, lo::optimizer::adam>>,
                               lo::batch_norm, lo::tanh, lo::dense<2>>;
  using model_type = lo::model<learning, lo::reference::backend<double>>;
  const std::vector<double> x{0.3, -1.2, 0.8, 1.1, 0.2, -0.4, -0.9, 0.5, 0.1, 0.7, -0.6, 1.4};
  model_type m;
  m.prepare({.batch = 4});
  const auto step = [&](auto& trained) { trained.forward(x, 4, {.boundary = 1, .local_rate = 0.1}); };
  step(m);
  step(m);
  const lo::model_snapshot<double> before = m.snapshot();
  CHECK(before.arrays.size() == 2 + 4 + 2 + 3);
  CHECK(before.counts == std::vector<std::size_t>{2});
  step(m);
  const lo::model_snapshot<double> after = m.snapshot();
  CHECK(after.arrays != before.arrays);
  m.restore(before);
  CHECK(m.snapshot().arrays == before.arrays);
  step(m);
  CHECK(m.snapshot().arrays == after.arrays);
  CHECK(m.snapshot().counts == after.counts);

  model_type other{{.seed = 9}};
  other.restore(before);
  CHECK(other.snapshot().arrays == before.arrays);
  lo::model_snapshot<double> broken = before;
  broken.arrays[2].push_back(0);
  CHECK_THROWS_WITH_AS(other.restore(broken), "model::restore: values of array 2 (gamma): expected 4, found 5",
                       lo::shape_error);
  broken.arrays.pop_back();
  CHECK_THROWS_WITH_AS(other.restore(broken), "model::restore: arrays: expected 11, found 10", lo::shape_error);
  CHECK(other.snapshot().arrays == before.arrays);
  static_assert(!std::is_copy_constructible_v<model_type> && std::is_move_constructible_v<model_type>);
}
