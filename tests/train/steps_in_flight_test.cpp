// The trainer's guard: a rule without a fixed point, in float, is caught where its formula says, and named.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/bench.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/data/dataset.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using single = lo::reference::backend<float>;
using localis_test::data;

namespace {

/// Trains until it diverges. All rows are one batch, an epoch is a step.
template <class Net>
lo::divergence_error diverge(lo::model<Net, single>& m, double rate, const data& d, std::size_t boundary) {
  const std::vector<float> features(d.x.begin(), d.x.end());
  const std::vector<std::uint32_t> labels(data::rows, 0);
  const lo::data::arrays set({1, 1, data::inputs}, features, labels, 2);
  lo::trainer t(m, lo::scheduler::fixed{boundary}, lo::supervision::none{},
                {.epochs = 2000, .batch = data::rows, .local_rate = rate}, lo::optimizer::sgd{},
                lo::learning_rate::constant{0});
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
void set_rows(const Layer& layer, const std::vector<double>& row) {
  const auto w = layer.parameters()[0];
  for (std::size_t i = 0; i < w.size(); ++i) w.value[i] = static_cast<float>(row[i % row.size()]);
}

}  // namespace

TEST_CASE("divergence: hebb in float is stopped inside the interval that its growth predicts, stage and rule named") {
  const data d;
  for (const double eta : {0.05, 0.2, 1.0}) {
    using net = lo::network<lo::vector_input<data::inputs>, lo::dense<2, lo::no_bias, lo::rule::hebb>, lo::dense<2>>;
    lo::model<net, single> m;
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
  lo::model<net, single> m;
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
  lo::model<net, single> m;
  set_rows(m.layer<0>(), d.top);
  // From norm 1 along the top eigenvector c is lambda: 1 - eta c < 0 at once.
  const lo::divergence_error e = diverge(m, 1.1 / d.lambda, d, 1);
  CHECK(e.epoch == 0);
  CHECK(std::string(e.what()) ==
        "training diverged: a step of rule oja would turn a weight row around (1 - eta c < 0) at stage 0, epoch 0, "
        "step 0");
}
