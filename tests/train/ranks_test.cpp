#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/small_runs.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/metrics.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/scheduler/autofreeze.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/ranks.hpp>
#include <localis/train/trainer.hpp>

namespace {

namespace lo = localis;
using localis_test::run_ranks;
using localis_test::thread_ranks;
namespace runs = localis_test::small_runs;

/// The numbers of a report, which but for the times are the same on all ranks.
std::vector<double> numbers(const lo::report& report) {
  std::vector<double> all{static_cast<double>(report.end), report.prefix_fraction};
  for (const lo::epoch_record& epoch : report.epochs) {
    for (const auto count : {epoch.epoch, epoch.boundary, epoch.steps, epoch.samples, epoch.clips}) {
      all.push_back(static_cast<double>(count));
    }
    for (const double value : {epoch.loss, epoch.accuracy, epoch.gain, epoch.learning_rate, epoch.update_norm,
                               epoch.validation_loss, epoch.validation_accuracy}) {
      all.push_back(value);
    }
    all.insert(all.end(), epoch.stage_update_norms.begin(), epoch.stage_update_norms.end());
    for (const auto& [name, mean] : epoch.validation_metrics) all.push_back(mean);
  }
  for (double& value : all) value = std::isnan(value) ? -1 : value;
  return all;
}

struct outcome {
  std::vector<double> weights;
  std::vector<double> report;
  std::string message;
};

/// A run with validation. `change` may change the trainer before it.
template <class Ranks, class Scheduler, class Supervision, class Change>
outcome run(const Ranks& ranks, const Scheduler& scheduler, const Supervision& supervision, const Change& change,
            const lo::train_options& options = {.epochs = 3, .batch = 12, .local_rate = 0.01, .seed = 4}) {
  const auto train = runs::pictures(49);  // a last batch of one
  const auto validation = runs::pictures(31, 49);
  runs::model model{{.seed = 2}};
  lo::trainer trainer{model, scheduler, supervision, options};
  trainer.distribute(ranks);
  trainer.measure("top_2", lo::metric::top_k<2>{});
  change(trainer);
  outcome result;
  try {
    trainer.fit(train, validation);
  } catch (const lo::error& failure) {
    result.message = failure.what();
  }
  result.weights = runs::parameters(model);
  result.report = numbers(trainer.report());
  return result;
}

void check_near(const std::vector<double>& one, const std::vector<double>& other) {
  REQUIRE(one.size() == other.size());
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    largest = (std::max)(largest, std::abs(one[i]));
    difference = (std::max)(difference, std::abs(one[i] - other[i]));
  }
  CHECK(difference < 1e-12 * largest);
}

template <class Scheduler, class Supervision, class Change>
void check_run(const Scheduler& scheduler, const Supervision& supervision, const Change& change) {
  const outcome one = run(lo::alone{}, scheduler, supervision, change);
  for (const std::size_t count : {1U, 2U, 3U, 4U}) {
    CAPTURE(count);
    std::vector<outcome> found(count);
    const auto messages = run_ranks(
        count, [&](const thread_ranks& ranks) { found[ranks.rank()] = run(ranks, scheduler, supervision, change); });
    CHECK(messages == std::vector<std::string>(count));
    for (const outcome& rank : found) {
      CHECK(rank.message == one.message);
      CHECK(rank.weights == found[0].weights);
      CHECK(rank.report == found[0].report);
      check_near(one.weights, rank.weights);
      check_near(one.report, rank.report);
    }
  }
}

}  // namespace

TEST_CASE("ranks: a run and its report") {
  check_run(lo::scheduler::dynamic{}, lo::supervision::loss_gain{}, [](auto&) {});
  check_run(lo::scheduler::fixed{1}, lo::supervision::per_stage<>{}, [](auto& trainer) {
    trainer.accumulate_gradients(2);
    trainer.descent().clip_norm(0.1);
  });
}

TEST_CASE("ranks: processor time is that of all ranks, at a pause and at the end") {
  std::vector<std::vector<double>> times(2);
  const auto messages = run_ranks(2, [&](const thread_ranks& ranks) {
    (void)run(ranks, lo::scheduler::fixed{1}, lo::supervision::none{}, [&](auto& trainer) {
      const auto note = [&] { times[ranks.rank()].push_back(trainer.report().processor_seconds()); };
      trainer.on_pause(2, note);
      trainer.on_epoch([note](const lo::epoch_record&) { note(); });
    });
  });
  CHECK(messages == std::vector<std::string>(2));
  CHECK(times[0].size() > 6);
  CHECK(std::is_sorted(times[0].begin(), times[0].end()));
  CHECK(times[0].back() > 0);
  CHECK(times[1] == times[0]);
}

TEST_CASE("ranks: a stop on one rank stops all") {
  std::vector<std::size_t> steps(3);
  const auto messages = run_ranks(3, [&](const thread_ranks& ranks) {
    (void)run(ranks, lo::scheduler::fixed{1}, lo::supervision::none{}, [&](auto& trainer) {
      trainer.on_step([&](const lo::step_event& event) {
        ++steps[ranks.rank()];
        if (ranks.rank() == 2 && event.epoch == 1 && event.step == 1) trainer.request_stop();
      });
    });
  });
  CHECK(messages == std::vector<std::string>(3));
  CHECK(steps == std::vector<std::size_t>{7, 7, 7});
}

TEST_CASE("ranks: learning without labels") {
  const auto learn = [](const auto& ranks) {
    const auto data = runs::pictures(49);
    runs::model model{{.seed = 2}};
    lo::trainer trainer{model, lo::scheduler::fixed{1}, lo::supervision::none{}, {.batch = 12, .local_rate = 0.01}};
    trainer.distribute(ranks);
    (void)trainer.learn_locally(data, {.stages = 2, .epochs = 2});
    return runs::parameters(model);
  };
  const std::vector<double> one = learn(lo::alone{});
  std::vector<std::vector<double>> found(3);
  CHECK(run_ranks(3, [&](const thread_ranks& ranks) { found[ranks.rank()] = learn(ranks); }) ==
        std::vector<std::string>(3));
  for (const auto& rank : found) check_near(one, rank);
}

TEST_CASE("ranks: each evaluates a part") {
  const auto data = runs::pictures(300);
  const auto measure = [&](const auto& ranks) {
    runs::model model{{.seed = 2}};
    model.distribute(ranks);
    const lo::score found =
        evaluate(model, data, lo::loss::softmax_cross_entropy{}, {{"top_2", lo::metric::top_k<2>{}}});
    const lo::confusion_matrix seen = confusion(model, data);
    return std::vector<double>{found.loss,
                               found.accuracy,
                               found.metrics[0].second,
                               seen.accuracy(),
                               static_cast<double>(seen.total()),
                               static_cast<double>(seen.count(1, 2))};
  };
  const std::vector<double> one = measure(lo::alone{});
  std::vector<std::vector<double>> found(3);
  CHECK(run_ranks(3, [&](const thread_ranks& ranks) { found[ranks.rank()] = measure(ranks); }) ==
        std::vector<std::string>(3));
  for (const auto& rank : found) check_near(one, rank);
}

TEST_CASE("ranks: what differs is named on every rank before the first step") {
  const auto messages_of = [](const auto& change, lo::train_options first, lo::train_options other) {
    std::vector<outcome> found(3);
    const auto thrown = run_ranks(3, [&](const thread_ranks& ranks) {
      found[ranks.rank()] = run(
          ranks, lo::scheduler::fixed{1}, lo::supervision::none{},
          [&](auto& trainer) {
            if (ranks.rank() == 2) change(trainer);
          },
          ranks.rank() == 2 ? other : first);
    });
    CHECK(thrown == std::vector<std::string>(3));
    for (const outcome& rank : found) {
      CHECK(rank.message == found[0].message);
      if (!rank.message.empty()) CHECK(rank.report.size() == 2);  // no epoch
    }
    return found[0].message;
  };
  const lo::train_options plain{.epochs = 2, .batch = 12};
  const auto same = [](auto&) {};
  CHECK(messages_of(same, plain, plain).empty());
  CHECK(messages_of(same, plain, {.epochs = 2, .batch = 10}) == "ranks: batch: rank 0 has 12, rank 2 (host c) has 10");
  CHECK(messages_of(same, plain, {.epochs = 2, .batch = 12, .seed = 7}) ==
        "ranks: seed: rank 0 has 1, rank 2 (host c) has 7");
  CHECK(messages_of(same, plain, {.epochs = 3, .batch = 12}).starts_with("ranks: options: rank 0 has 2 12 "));
  CHECK(messages_of([](auto& trainer) { trainer.model().template layer<1>().momentum = 0.5; }, plain, plain)
            .starts_with("ranks: operation 1 of the network: rank 0 has batch_norm"));
  CHECK(messages_of([](auto& trainer) { trainer.model().template layer<0>().weight()[3] += 1e-9; }, plain, plain)
            .starts_with("ranks: weights and states: rank 0 has "));
  CHECK(messages_of([](auto& trainer) { trainer.accumulate_gradients(2); }, plain, plain) ==
        "ranks: batches of a gradient step: rank 0 has 1, rank 2 (host c) has 2");
  CHECK(messages_of([](auto& trainer) { trainer.diagnose({0}); }, plain, plain) ==
        "ranks: diagnose(): rank 0 has not set, rank 2 (host c) has set");
}

TEST_CASE("ranks: what sees the part of a rank is refused") {
  const auto messages = run_ranks(2, [&](const thread_ranks& ranks) {
    const outcome found =
        run(ranks, lo::scheduler::fixed{1}, lo::supervision::none{}, [](auto& trainer) { trainer.diagnose({0}); });
    CHECK(found.message.starts_with("trainer::distribute: diagnose() and reward(): expected neither"));
  });
  CHECK(messages == std::vector<std::string>(2));
}

TEST_CASE("ranks: a schedule that differs is named at the start of its epoch") {
  std::vector<std::string> found(2);
  const auto messages = run_ranks(2, [&](const thread_ranks& ranks) {
    const auto boundary = [&](std::size_t epoch) -> std::size_t { return epoch == 1 && ranks.rank() == 1 ? 1 : 0; };
    found[ranks.rank()] = run(ranks, boundary, lo::supervision::none{}, [](auto&) {}).message;
  });
  CHECK(messages == std::vector<std::string>(2));
  CHECK(found[0].starts_with("ranks: schedule of epoch 1: rank 0 has "));
  CHECK(found[1] == found[0]);
}

TEST_CASE("ranks: the sample that made a run diverge is named on every rank") {
  std::vector<std::string> found(3);
  const auto messages = run_ranks(3, [&](const thread_ranks& ranks) {
    auto features = runs::features();
    features[5] = std::numeric_limits<float>::quiet_NaN();
    const lo::data::arrays data(runs::four, features, runs::classes, 3);
    runs::single<runs::tiny> model{{.seed = 2}};
    lo::trainer trainer{model, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 1, .batch = 4}};
    trainer.distribute(ranks);
    try {
      trainer.fit(data);
    } catch (const lo::data_error& failure) {
      found[ranks.rank()] = failure.what();
    }
  });
  CHECK(messages == std::vector<std::string>(3));
  CHECK(found[0].starts_with("trainer: features of sample 1 of the training data"));
  CHECK(found == std::vector<std::string>(3, found[0]));
}
