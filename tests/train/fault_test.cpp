#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "support/same_extents.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/rule/oja.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;

namespace {

using net = lo::network<lo::image<4, 4, 1>, lo::dense<5, lo::rule::oja>, lo::relu, lo::dense<3>>;
using model = lo::model<net, lo::cpu::backend<float>>;

/// No std::exception: it must come out as it went in.
struct planned {
  int number;
};

/// Burns each time it is asked, and throws when it has burnt down. Data sets are read by another thread.
class fuse {
 public:
  static void light(int length) { left_ = length; }
  static void burn() {
    if (left_ > 0 && --left_ == 0) throw planned{7};
  }

 private:
  static inline std::atomic<int> left_ = 0;
};

/// Which of all that users write burns the fuse.
enum class who { step, epoch, pause, modulator, diagnostics, scheduler, rate, supervision, data, validation };
constexpr who everyone[] = {who::step,      who::epoch, who::pause,       who::modulator, who::diagnostics,
                            who::scheduler, who::rate,  who::supervision, who::data,      who::validation};

struct pictures : localis_test::same_extents<lo::data::images> {
  bool burns;
  [[nodiscard]] static std::size_t readers() { return 2; }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    if (burns) fuse::burn();
    return real.read(index, features);
  }
};

/// Asked in a kernel.
struct in_kernel {
  struct state {
    double losses = 0;
  };
  bool burns = false;
  constexpr void observe(state& seen, double) const {
    if (burns) fuse::burn();
    seen.losses += 1;
  }
  [[nodiscard]] constexpr double gain(const state& seen) const {
    if (burns) fuse::burn();
    return 1 + seen.losses / 8;
  }
};
/// The same, asked on the host, as it is not trivially copyable.
struct host_backend : in_kernel {
  std::shared_ptr<int> resource;
};

/// Even epochs at boundary 0, odd ones at 1.
struct taking_turns {
  bool burns = false;
  std::function<void(std::size_t)> before_epoch;

  void start(const lo::schedule_limits&) const { burn(); }
  void observe(const lo::epoch_observation&) const { burn(); }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const {
    burn();
    if (before_epoch) before_epoch(epoch);
    return 0;
  }
  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t) const {
    burn();
    return epoch % 2;
  }
  void burn() const {
    if (burns) fuse::burn();
  }
};

template <class Supervision>
struct job {
  explicit job(who chosen, std::function<void(std::size_t)> before_epoch = {})
      : train{{lo::data::synthetic_images(20, 4, 4, 1, 3, 1)}, chosen == who::data},
        validation{{lo::data::synthetic_images(6, 4, 4, 1, 3, 1, 0.2, 90)}, chosen == who::validation},
        trainer(m, taking_turns{chosen == who::scheduler, std::move(before_epoch)}, supervision_of(chosen),
                {.epochs = 3, .batch = 8}, lo::optimizer::sgd{}, [chosen](double, double) {
                  if (chosen == who::rate) fuse::burn();
                  return 0.05;
                }) {
    const auto burn_if = [chosen](who mine) {
      if (chosen == mine) fuse::burn();
    };
    trainer.on_step([=](const lo::step_event&) { burn_if(who::step); });
    trainer.on_epoch([=](const lo::epoch_record&) { burn_if(who::epoch); });
    trainer.on_pause(1, [=] { burn_if(who::pause); });
    trainer.modulate([=](const auto&, std::span<double>) { burn_if(who::modulator); });
    if (chosen == who::diagnostics)
      trainer.diagnose({0}, 1, [=](const lo::diagnostics_event&) { burn_if(who::diagnostics); });
  }
  static Supervision supervision_of(who chosen) {
    Supervision result;
    result.burns = chosen == who::supervision;
    return result;
  }
  void fit() { trainer.fit(train, validation); }
  /// Whether the run is over, or somebody threw.
  bool ends() {
    try {
      fit();
    } catch (const planned& failure) {
      CHECK(failure.number == 7);
      return false;
    }
    return true;
  }

  pictures train;
  pictures validation;
  model m{{}, lo::cpu::backend<float>({.threads = 2, .grain = 1})};
  lo::trainer<model, taking_turns, Supervision, lo::optimizer::sgd, std::function<double(double, double)>> trainer;
};

/// Arrays, and what the report says, times aside.
void expect_same(const lo::stored_run<float>& found, const lo::stored_run<float>& expected) {
  CHECK(found.arrays == expected.arrays);
  CHECK(found.updates == expected.updates);
  CHECK(found.state.supervision == expected.state.supervision);
  CHECK(found.state.epoch == expected.state.epoch);
  const auto& epochs = found.state.report.epochs;
  REQUIRE(epochs.size() == expected.state.report.epochs.size());
  for (std::size_t e = 0; e < epochs.size(); ++e) {
    CHECK(epochs[e].loss == expected.state.report.epochs[e].loss);
    CHECK(epochs[e].steps == expected.state.report.epochs[e].steps);
    CHECK(epochs[e].validation_loss == expected.state.report.epochs[e].validation_loss);
  }
}

template <class Supervision>
void check_exceptions() {
  fuse::light(0);
  job<Supervision> whole(who::step);
  REQUIRE(whole.ends());
  const auto expected = lo::store(whole.trainer);
  for (const who chosen : everyone) {
    CAPTURE(static_cast<int>(chosen));
    std::size_t resumed = 0;
    std::size_t refused = 0;
    for (int length = 1; length < 100; length += 1 + length / 8) {
      CAPTURE(length);
      job<Supervision> one(chosen);
      fuse::light(length);
      if (one.ends()) break;
      fuse::light(0);
      const lo::report& report = one.trainer.report();
      CHECK(report.end == lo::ending::unfinished);
      for (const lo::epoch_record& e : report.epochs) {
        CHECK(e.steps > 0);
        CHECK(std::isfinite(e.loss));
      }
      // Between two steps the run can be taken up as if nothing had happened.
      try {
        const auto stored = lo::store(one.trainer);
        job<Supervision> other(who::step);
        lo::restore(other.trainer, stored);
        CHECK(other.ends());
        expect_same(lo::store(other.trainer), expected);
        ++resumed;
      } catch (const lo::config_error& failure) {
        CHECK(std::string(failure.what()) ==
              "trainer::state: steps under way: expected none, as in on_pause() and after fit(), found 1");
        ++refused;
        lo::restore(one.trainer, expected);
        expect_same(lo::store(one.trainer), expected);
      }
      // And the trainer goes on working.
      CHECK(one.ends());
      CHECK(one.trainer.report().epochs.size() == 3);
      CHECK(one.trainer.report().end == lo::ending::finished);
      CHECK_NOTHROW(static_cast<void>(lo::store(one.trainer)));
    }
    CHECK(resumed + refused >= 3);
    if (chosen != who::supervision) CHECK(refused == 0);  // supervision is asked when the step has been done, too
  }
}

}  // namespace

TEST_CASE("fault: what a callback, a policy or the data throws comes out as it is, and the run can be taken up") {
  check_exceptions<in_kernel>();
  check_exceptions<host_backend>();
}

TEST_CASE("fault: a stop before the first step of an epoch reports no epoch") {
  std::function<void()> stop;
  job<in_kernel> one(who::step, [&](std::size_t epoch) {
    if (epoch == 1 && stop) stop();
  });
  stop = [&] { one.trainer.request_stop(); };
  std::size_t told = 0;
  one.trainer.on_epoch([&](const lo::epoch_record&) { ++told; });
  one.fit();
  CHECK(told == 1);
  CHECK(one.trainer.report().epochs.size() == 1);
  CHECK(one.trainer.report().end == lo::ending::stopped);
  const auto stored = lo::store(one.trainer);
  stop = {};
  job<in_kernel> other(who::step);
  lo::restore(other.trainer, stored);
  other.fit();
  CHECK(other.trainer.report().epochs.size() == 3);
}

TEST_CASE("fault: a report's message says why a run did not finish") {
  job<in_kernel> one(who::step);
  one.trainer.on_epoch([](const lo::epoch_record& e) {
    if (e.epoch == 1) throw lo::data_error("the third volume is missing");
  });
  CHECK_THROWS_WITH_AS(one.fit(), "the third volume is missing", lo::data_error);
  CHECK(one.trainer.report().message == "the third volume is missing");
  CHECK(one.trainer.report().end == lo::ending::unfinished);
  CHECK(one.trainer.report().epochs.size() == 2);
}
