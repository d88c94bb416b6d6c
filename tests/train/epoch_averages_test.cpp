#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/interleaved.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/epoch_averages.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace detail = lo::detail;
using lo::supervision::none;
using localis_test::small_runs::model;
using localis_test::small_runs::pictures;

namespace {

/// As much of a model as the averages need.
struct three_stages {
  static constexpr std::size_t stages = 3;
  static constexpr std::array<double, 3> work_fractions() { return {0.5, 0.25, 0.25}; }
};

/// A step of so many samples at a boundary, whose base is another.
detail::finished_step<3> step(std::size_t base, std::size_t boundary, std::size_t samples, double loss) {
  detail::finished_step<3> done;
  done.settings.base = base;
  done.settings.boundary = boundary;
  done.settings.samples = done.settings.labelled = samples;
  done.settings.rate = 0.5;
  done.settings.factors = {1, 2, 0};
  done.record.loss = loss;
  done.record.correct = 1;
  done.record.weight_change = {4, 9, 16};
  done.gain = 3;
  return done;
}

}  // namespace

TEST_CASE("epoch_averages: by hand, over steps of different sizes and boundaries") {
  lo::report written;
  lo::epoch_sums sums;
  detail::start_epoch(7, 3, written, sums);
  REQUIRE(written.epochs.size() == 1);
  CHECK(written.epochs[0].epoch == 7);
  CHECK(std::isnan(written.epochs[0].stage_update_norms[2]));
  detail::add_step<three_stages>(step(1, 1, 8, 2), true, written.epochs[0], sums);
  detail::add_step<three_stages>(step(1, 0, 4, 5), true, written.epochs[0], sums);  // below its base
  detail::write_averages(sums, true, written);
  const lo::epoch_record& record = written.epochs[0];
  CHECK(record.boundary == 1);
  CHECK(record.steps == 2);
  CHECK(record.samples == 12);
  CHECK(record.loss == (8 * 2 + 4 * 5) / 12.0);
  CHECK(record.accuracy == 2 / 12.0);
  CHECK(record.learning_rate == 0.5);
  CHECK(record.gain == 3);
  CHECK(record.prefix_fraction == 0.25);
  // |dW| by the stage's own rate: stage 0 in one step, stage 1 in both, stage 2 at rate 0. The transition stage's own
  // norm is that of the step at its base.
  CHECK(record.stage_update_norms[0] == 2 / 0.5);
  CHECK(record.stage_update_norms[1] == 3.0);
  CHECK(std::isnan(record.stage_update_norms[2]));
  CHECK(record.update_norm == 3.0);
  CHECK(written.prefix_fraction == 0.25);
}

TEST_CASE("epoch_averages: loss and accuracy are means over the labelled samples") {
  lo::report written;
  lo::epoch_sums sums;
  detail::start_epoch(0, 3, written, sums);
  const auto add = [&](std::size_t labelled, double loss, double correct) {
    detail::finished_step<3> done = step(1, 1, 8, loss);
    done.settings.labelled = labelled;
    done.record.correct = correct;
    detail::add_step<three_stages>(done, true, written.epochs[0], sums);
    detail::write_averages(sums, true, written);
  };
  add(0, std::numeric_limits<double>::quiet_NaN(), 0);
  CHECK(std::isnan(written.epochs[0].loss));
  CHECK(std::isnan(written.epochs[0].accuracy));
  add(3, 2, 1);
  add(5, 4, 3);
  CHECK(written.epochs[0].loss == (3 * 2 + 5 * 4) / 8.0);
  CHECK(written.epochs[0].accuracy == 0.5);
  CHECK(written.epochs[0].samples == 24);
}

TEST_CASE("epoch_averages: the run's share is over steps, and data without labels has no accuracy") {
  lo::report written;
  lo::epoch_sums sums;
  detail::start_epoch(0, 3, written, sums);
  detail::add_step<three_stages>(step(0, 0, 8, 2), false, written.epochs.back(), sums);
  detail::write_averages(sums, false, written);
  CHECK(std::isnan(written.epochs[0].accuracy));
  detail::start_epoch(1, 3, written, sums);
  for (int i = 0; i < 3; ++i) {
    detail::add_step<three_stages>(step(2, 2, 8, 2), false, written.epochs.back(), sums);
  }
  detail::write_averages(sums, false, written);
  CHECK(written.epochs[1].prefix_fraction == 0.75);
  CHECK(written.prefix_fraction == 3 * 0.75 / 4);
}

TEST_CASE("epoch_averages: an epoch without a finished step leaves the report") {
  lo::report written;
  lo::epoch_sums sums;
  {
    const detail::drop_empty_epoch guard(written);
    detail::start_epoch(0, 3, written, sums);
    detail::add_step<three_stages>(step(0, 0, 8, 2), true, written.epochs.back(), sums);
    detail::start_epoch(1, 3, written, sums);
  }
  REQUIRE(written.epochs.size() == 1);
  CHECK(written.epochs[0].epoch == 0);
  const lo::epoch_observation seen = detail::observation_of(written.epochs[0]);
  CHECK(seen.epoch == 0);
  CHECK(seen.loss == written.epochs[0].loss);
  CHECK(seen.stage_update_norms.size() == 3);
}

TEST_CASE("trainer: the prefix share of a boundary that stays, by hand") {
  const auto train = pictures(20);
  model m;
  lo::trainer t(m, lo::scheduler::fixed{2}, none{}, {.epochs = 2, .batch = 8});
  const lo::report& report = t.fit(train);
  // Multiply-adds of one sample: 64 positions x 4 x 9, 64 x 8, 8 x 3.
  const double prefix = (2304.0 + 512) / (2304 + 512 + 24);
  CHECK(report.prefix_fraction == doctest::Approx(prefix));
  CHECK(report.epochs[1].prefix_fraction == doctest::Approx(prefix));
  CHECK(report.epochs[1].boundary == 2);
}

TEST_CASE("trainer: interleaved steps show in the norms of their stages, not in that of the transition stage") {
  const auto train = pictures(8);
  model m;
  lo::trainer t(m, lo::scheduler::interleaved{lo::scheduler::fixed{1}, 2, 3.0}, none{},
                {.epochs = 4, .batch = 8, .local_rate = 0});
  const lo::report& report = t.fit(train);  // one step an epoch: every other epoch trains the whole network
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    const lo::epoch_record& record = report.epochs[epoch];
    CAPTURE(epoch);
    CHECK(std::isnan(record.update_norm) == (epoch % 2 == 1));
    CHECK(std::isnan(record.stage_update_norms[0]) == (epoch % 2 == 0));
    CHECK(record.stage_update_norms[1] > 0);
    if (epoch % 2 == 0) CHECK(record.update_norm == record.stage_update_norms[1]);
  }
}
