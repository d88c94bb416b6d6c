#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/bench.hpp"
#include "support/message.hpp"
#include "support/ranges.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using lo::rule::fail_on_negative_scale;
using lo::rule::oja;
using lo::supervision::none;
using localis_test::data;
using localis_test::message;
using localis_test::not_a_number;
using localis_test::small_runs::classes;
using localis_test::small_runs::features;
using localis_test::small_runs::four;
using localis_test::small_runs::hebbian;
using localis_test::small_runs::model;
using localis_test::small_runs::parameters;
using localis_test::small_runs::pictures;
using localis_test::small_runs::single;
using localis_test::small_runs::tiny;

namespace {

using backend = lo::reference::backend<float>;

// A rule without a fixed point, in float, is caught where its formula says, and named.

/// Trains until it diverges. All rows are one batch, an epoch is a step.
template <class Net>
lo::divergence_error diverge(lo::model<Net, backend>& m, double rate, const data& d, std::size_t boundary) {
  const std::vector<float> features(d.x.begin(), d.x.end());
  const std::vector<std::uint32_t> labels(data::rows, 0);
  const lo::data::arrays set({1, 1, data::inputs}, features, labels, 2);
  lo::trainer t(m, lo::scheduler::fixed{boundary}, none{}, {.epochs = 2000, .batch = data::rows, .local_rate = rate},
                lo::optimizer::sgd{}, lo::learning_rate::constant{0});
  try {
    t.fit(set);
  } catch (const lo::divergence_error& e) {
    CHECK(t.report().end == lo::ending::diverged);
    CHECK(t.report().message == e.what());
    return e;
  }
  FAIL("did not diverge");
  return {"", 0, 0, 0};
}

template <class Layer>
void set_rows(Layer& layer, const std::vector<double>& row) {
  const auto w = layer.parameters()[0];
  for (std::size_t i = 0; i < w.size(); ++i) w.value[i] = static_cast<float>(row[i % row.size()]);
}

}  // namespace

TEST_CASE("divergence: hebb in float is stopped inside the interval that its growth predicts, stage and rule named") {
  const data d;
  for (const double eta : {0.05, 0.2, 1.0}) {
    using net = lo::network<lo::vector_input<data::inputs>, lo::dense<2, lo::no_bias, lo::rule::hebb>, lo::dense<2>>;
    lo::model<net, backend> m;
    set_rows(m.layer<0>(), d.top);
    set_rows(m.layer<1>(), {0});  // the loss sees nothing of it
    const lo::divergence_error e = diverge(m, eta, d, 1);
    const double growth = std::log(1 + eta * d.lambda);
    const double overflow = std::log(static_cast<double>(std::numeric_limits<float>::max())) / growth;
    const double earliest = overflow - std::log(data::rows * d.lambda) / growth;
    const auto step = static_cast<double>(e.epoch);
    CAPTURE(eta);
    CAPTURE(step);
    CHECK(step >= earliest - 1);
    CHECK(step <= overflow + 1);
    CHECK(e.stage == 0);
    CHECK(e.step == 0);
    CHECK(std::string(e.what()) == lo::text("training diverged: rule hebb made a weight that is not finite at stage "
                                            "0, epoch ",
                                            e.epoch, ", step 0"));
  }
}

TEST_CASE("divergence: the stage is the one whose rule does it") {
  const data d;
  using lo::rule::anti_hebb;
  using net = lo::network<lo::vector_input<data::inputs>, lo::dense<data::inputs, lo::no_bias, lo::rule::oja>,
                          lo::dense<1, lo::no_bias, anti_hebb>, lo::dense<2>>;
  lo::model<net, backend> m;
  m.layer<0>().local().step.scale = 0;  // rests
  const auto identity = m.layer<0>().parameters()[0];
  for (std::size_t i = 0; i < identity.size(); ++i) identity.value[i] = i % (data::inputs + 1) == 0 ? 1.0F : 0.0F;
  set_rows(m.layer<2>(), {0});
  // 1 - eta lambda = -2: every step doubles and turns.
  const lo::divergence_error e = diverge(m, 3 / d.lambda, d, 2);
  CHECK(e.stage == 1);
  CHECK(std::string(e.what()).find("rule anti_hebb made a weight that is not finite at stage 1") != std::string::npos);
}

TEST_CASE("divergence: a step that would turn a row around, where the guard calls that an error") {
  const data d;
  using strict = lo::rule::local<lo::rule::oja, lo::rule::fail_on_negative_scale>;
  using net = lo::network<lo::vector_input<data::inputs>, lo::dense<1, lo::no_bias, strict>, lo::dense<2>>;
  lo::model<net, backend> m;
  set_rows(m.layer<0>(), d.top);
  // From norm 1 along the top eigenvector c is lambda: 1 - eta c < 0 at once.
  const lo::divergence_error e = diverge(m, 1.1 / d.lambda, d, 1);
  CHECK(e.epoch == 0);
  CHECK(std::string(e.what()) ==
        "training diverged: a step of rule oja would turn a weight row around (1 - eta c < 0) at stage 0, epoch 0, "
        "step 0");
}

TEST_CASE("trainer: a local rule that runs away names its own stage") {
  const auto x = features();
  const lo::data::arrays train(four, x, classes, 3);
  single<hebbian> m;
  lo::trainer t(m, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 4, .local_rate = 1e20});
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) ==
        "training diverged: rule hebb made a weight that is not finite at stage 0, epoch 0, step 1");
  CHECK(t.report().end == lo::ending::diverged);
}

TEST_CASE("trainer: a weight that only the last step broke") {
  auto x = features();
  for (float& value : x) value *= 1000;
  const lo::data::arrays train(four, x, classes, 3);
  single<tiny> m;
  lo::trainer t(m, lo::scheduler::fixed{0}, none{}, {.epochs = 1, .batch = 12}, {},
                [](double, double) { return 3e38; });
  CHECK(message<lo::divergence_error>([&] { (void)t.fit(train); }) ==
        "training diverged: a weight is not finite at stage 0, epoch 0, step 0");
}

TEST_CASE("trainer: the scale guard counts rows that turn around, or fails, and a new run starts anew") {
  using clipping = lo::network<lo::vector_input<4>, lo::dense<4, oja>, lo::dense<3>>;
  using failing =
      lo::network<lo::vector_input<4>, lo::dense<4, lo::rule::local<oja, fail_on_negative_scale>>, lo::dense<3>>;
  const auto x = features();
  const lo::data::arrays train(four, x, classes, 3);
  single<clipping> cut;
  lo::trainer clips(cut, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 12, .local_rate = 10});
  CHECK(clips.fit(train).epochs[0].clips > 0);
  const std::size_t first = clips.report().epochs[0].clips;
  CHECK(first <= 4);  // one step, 4 rows
  CHECK(clips.report().epochs[1].clips <= 4);

  single<failing> guarded_model;
  lo::trainer fails(guarded_model, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 12, .local_rate = 10});
  CHECK(message<lo::divergence_error>([&] { (void)fails.fit(train); }) ==
        "training diverged: a step of rule oja would turn a weight row around (1 - eta c < 0) at stage 0, epoch 0, "
        "step 0");
  lo::trainer careful(guarded_model, lo::scheduler::fixed{1}, none{}, {.epochs = 2, .batch = 12, .local_rate = 1e-12});
  CHECK(careful.fit(train).end == lo::ending::finished);
  CHECK(careful.report().epochs[0].clips == 0);
}

namespace {

struct not_finite {
  struct state {};
  constexpr void observe(state&, double) const {}
  [[nodiscard]] constexpr double gain(const state&) const { return not_a_number; }
};

}  // namespace

TEST_CASE("trainer: gains by stage reach their stages, and the record shows the base's") {
  const auto train = pictures(20);
  const auto run = [&](const auto& supervision, double local_rate) {
    model m;
    lo::trainer t(m, lo::scheduler::fixed{2}, supervision, {.epochs = 1, .batch = 20, .local_rate = local_rate});
    CHECK(t.fit(train).epochs[0].gain == 1);
    return std::array{parameters(m, 0), parameters(m, 1)};
  };
  using lo::supervision::per_stage;
  const auto one = run(none{}, 1e-3);
  const auto third = run(none{}, 3e-3);
  const auto frozen = run(none{}, 0);
  const auto mixed = run(per_stage<>{.factors = {3, 0}}, 1e-3);
  CHECK(one[0] != third[0]);
  REQUIRE(mixed[0].size() == third[0].size());
  for (std::size_t i = 0; i < mixed[0].size(); ++i) CHECK(mixed[0][i] == doctest::Approx(third[0][i]).epsilon(1e-12));
  CHECK(mixed[1] == frozen[1]);
  CHECK(run(per_stage<>{.factors = {1, 1}}, 1e-3) == one);

  model m;
  lo::trainer t(m, lo::scheduler::fixed{1}, per_stage<not_finite>{{}, {1, 2}}, {.epochs = 1, .batch = 20});
  CHECK(message<lo::config_error>([&] { (void)t.fit(train); }) ==
        "supervision: gain of stage 0: expected a finite number, found nan");
  CHECK(message<lo::config_error>([&] {
          lo::trainer(m, lo::scheduler::fixed{1}, per_stage<>{.factors = {-1}}, {.epochs = 1, .batch = 20});
        }) == "supervision::per_stage.factors[0]: expected a finite number of at least 0, found -1");
}
