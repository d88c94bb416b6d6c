#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/message.hpp"
#include "support/small_runs.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/data/loader.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/stored_run.hpp>
#include <localis/train/trainer.hpp>

namespace {

namespace lo = localis;
using localis_test::run_ranks;
using localis_test::thread_ranks;
namespace runs = localis_test::small_runs;

// Without dropout, whose mask depends on the place in the whole batch.
template <class Rule>
using net =
    lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
                lo::dense<8, lo::rule::local<Rule, lo::rule::momentum>>, lo::relu, lo::dense<3>>;
template <class Rule>
using model_by = lo::model<net<Rule>, lo::reference::backend<double>>;
using model = model_by<lo::rule::oja>;
using trainer_type = lo::trainer<model, lo::scheduler::fixed, lo::supervision::none>;

constexpr lo::train_options options{.epochs = 2, .batch = 10, .local_rate = 0.01, .seed = 4};
constexpr std::size_t samples = 83;  // nine steps, of which the last has three samples

template <class Model>
std::vector<double> all_arrays(const Model& m) {
  std::vector<double> all;
  const auto take = [&](const lo::operation&, const auto& p) { all.insert(all.end(), p.value, p.value + p.size()); };
  m.for_each_parameter(take);
  m.for_each_state(take);
  return all;
}

/// One rank of a run by hand.
template <class Rule>
struct rank_by_hand {
  model_by<Rule> own{{.seed = 2}};
  lo::gradient_descent<model_by<Rule>> descent{own};
  double seen = 0;  ///< samples since the last average
};

/// The arrays of one side of the boundary.
template <class Rank>
std::vector<std::pair<std::string_view, std::span<double>>> side(Rank& rank, std::size_t boundary, bool prefix) {
  std::vector<std::pair<std::string_view, std::span<double>>> result;
  const auto add = [&](const lo::operation& op, const lo::parameter<double>& p) {
    if ((op.stage < boundary) == prefix) result.emplace_back(p.name, p.values());
  };
  rank.own.for_each_parameter(add);
  rank.own.for_each_state(add);
  rank.descent.for_each_state([&](const lo::operation& op, const std::span<double>& values) {
    if (!prefix && op.stage >= boundary) result.emplace_back("optimizer", values);
  });
  return result;
}

/// Replaces arrays by their means, weighted by the samples that each rank has seen, and variances by those of a
/// mixture.
template <class Rank>
void average_by_hand(std::vector<std::unique_ptr<Rank>>& ranks, std::size_t boundary, bool prefix) {
  double all = 0;
  for (const auto& rank : ranks) all += rank->seen;
  const std::size_t arrays = side(*ranks[0], boundary, prefix).size();
  for (std::size_t a = arrays; a-- > 0;) {  // variances before their means
    const auto [name, first] = side(*ranks[0], boundary, prefix)[a];
    for (std::size_t i = 0; i < first.size(); ++i) {
      double mean = 0;
      double center = 0;
      for (const auto& rank : ranks) {
        const auto of_rank = side(*rank, boundary, prefix);
        mean += rank->seen / all * of_rank[a].second[i];
        if (name == "running_variance") center += rank->seen / all * of_rank[a - 1].second[i];
      }
      if (name == "running_variance") {
        for (const auto& rank : ranks) {
          const double apart = side(*rank, boundary, prefix)[a - 1].second[i] - center;
          mean += rank->seen / all * apart * apart;
        }
      }
      for (const auto& rank : ranks) side(*rank, boundary, prefix)[a].second[i] = mean;
    }
  }
}

/// The run of `count` ranks with these options, one after the other. Gradients that are summed need a suffix without
/// batch normalization.
template <class Rule = lo::rule::oja>
std::vector<double> run_by_hand(std::size_t count, std::size_t boundary, const lo::rank_options& chosen) {
  const auto data = runs::pictures(samples);
  std::vector<std::unique_ptr<rank_by_hand<Rule>>> ranks;
  std::vector<std::unique_ptr<lo::data::loader<double, lo::data::images>>> loaders;
  for (std::size_t r = 0; r < count; ++r) {
    ranks.push_back(std::make_unique<rank_by_hand<Rule>>());
    ranks.back()->own.prepare({.batch = options.batch});
    loaders.push_back(std::make_unique<lo::data::loader<double, lo::data::images>>(
        data, options.batch, options.seed, true, lo::data::batch_part{r, count}));
  }
  const std::size_t steps = loaders[0]->steps();
  std::vector<double> seen_by_prefix(count, 0);
  std::vector<double> seen_by_suffix(count, 0);
  for (std::size_t epoch = 0; epoch < options.epochs; ++epoch) {
    const std::size_t suffix_every = epoch < chosen.suffix_from_epoch ? 1 : chosen.suffix_every;
    for (std::size_t step = 0; step < steps; ++step) {
      std::vector<double> sizes;
      double all = 0;
      for (std::size_t r = 0; r < count; ++r) {
        const auto batch = loaders[r]->get(epoch, step);
        sizes.push_back(static_cast<double>(batch.size));
        all += sizes.back();
        seen_by_prefix[r] += sizes.back();
        seen_by_suffix[r] += sizes.back();
        ranks[r]->own.forward(batch, {.boundary = boundary,
                                      .local_rate = options.local_rate,
                                      .step = epoch * steps + step,
                                      .labels = batch.labels});
        (void)ranks[r]->own.loss(lo::loss::softmax_cross_entropy{}, batch.labels);
        ranks[r]->own.backward();
      }
      if (suffix_every == 1) {
        std::vector<std::vector<double>> sums;
        for (std::size_t r = 0; r < count; ++r) {
          std::size_t a = 0;
          ranks[r]->own.for_each_gradient([&](const lo::operation&, const lo::parameter<double>& p, double* gradient) {
            if (r == 0) sums.emplace_back(p.size(), 0.0);
            for (std::size_t i = 0; i < p.size(); ++i) sums[a][i] += sizes[r] / all * gradient[i];
            ++a;
          });
        }
        for (std::size_t r = 0; r < count; ++r) {
          std::size_t a = 0;
          ranks[r]->own.for_each_gradient([&](const lo::operation&, const lo::parameter<double>& p, double* gradient) {
            std::copy_n(sums[a++].data(), p.size(), gradient);
          });
        }
      }
      for (const auto& rank : ranks) rank->descent.step(0.1);
      const bool last = step + 1 == steps;
      const auto exchange = [&](std::vector<double>& seen, bool prefix) {
        for (std::size_t r = 0; r < count; ++r) ranks[r]->seen = seen[r];
        average_by_hand(ranks, boundary, prefix);
        seen.assign(count, 0);
      };
      if ((step + 1) % chosen.prefix_every == 0 || last) exchange(seen_by_prefix, true);
      if (suffix_every > 1 && ((step + 1) % suffix_every == 0 || last)) exchange(seen_by_suffix, false);
    }
    seen_by_suffix.assign(count, 0);
  }
  return all_arrays(ranks[0]->own);
}

/// A run of a trainer. `change` may change the trainer before it.
template <class Rule = lo::rule::oja, class Ranks, class Scheduler, class Change>
std::vector<double> run(const Ranks& ranks, const Scheduler& scheduler, const lo::rank_options& chosen,
                        const Change& change) {
  const auto data = runs::pictures(samples);
  model_by<Rule> own{{.seed = 2}};
  lo::trainer trainer{own, scheduler, lo::supervision::none{}, options};
  trainer.distribute(ranks, chosen);
  change(trainer);
  trainer.fit(data);
  return all_arrays(own);
}
constexpr auto unchanged = [](auto&) {};

/// The arrays of all ranks, which must be the same.
template <class Rule = lo::rule::oja, class Scheduler, class Change>
std::vector<double> run_all(std::size_t count, const Scheduler& scheduler, const lo::rank_options& chosen,
                            const Change& change) {
  std::vector<std::vector<double>> found(count);
  CHECK(run_ranks(count, [&](const thread_ranks& ranks) {
          found[ranks.rank()] = run<Rule>(ranks, scheduler, chosen, change);
        }) == std::vector<std::string>(count));
  for (const auto& rank : found) CHECK(rank == found[0]);
  return found[0];
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = (std::max)(largest, std::abs(a[i]));
    difference = (std::max)(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}

}  // namespace

TEST_CASE("rank averages: ranks that act alone are those of a loop that averages by hand") {
  struct example {
    std::size_t boundary;
    lo::rank_options chosen;
  };
  const std::vector<example> examples{{2, {.prefix_every = 4}},
                                      {2, {.prefix_every = 2}},
                                      {0, {.suffix_every = 3}},
                                      {2, {.prefix_every = 4, .suffix_every = 3}},
                                      {2, {.prefix_every = 2, .suffix_every = 4, .suffix_from_epoch = 1}}};
  for (const example& one : examples) {
    const std::size_t boundary = one.boundary;
    const lo::rank_options& chosen = one.chosen;
    CAPTURE(boundary);
    CAPTURE(chosen.prefix_every);
    CAPTURE(chosen.suffix_every);
    for (const std::size_t count : {2U, 3U}) {
      CAPTURE(count);
      const std::vector<double> found = run_all(count, lo::scheduler::fixed{boundary}, chosen, unchanged);
      CHECK(distance(run_by_hand(count, boundary, chosen), found) < 1e-12);
      CHECK(distance(run(lo::alone{}, lo::scheduler::fixed{boundary}, {}, unchanged), found) > 1e-6);
    }
  }
}

TEST_CASE("rank averages: supervised rules that act alone") {
  const lo::rank_options chosen{.prefix_every = 4, .suffix_every = 2};
  const std::vector<double> found = run_all<lo::rule::local_error>(2, lo::scheduler::fixed{1}, chosen, unchanged);
  CHECK(distance(run_by_hand<lo::rule::local_error>(2, 1, chosen), found) < 1e-12);
  // Whose errors all ranks remember.
  (void)run_all<lo::rule::error_feedback>(3, lo::scheduler::fixed{2}, chosen, unchanged);
}

TEST_CASE("rank averages: a period of 1 is exact") {
  const std::vector<double> exact = run_all(3, lo::scheduler::fixed{1}, {}, unchanged);
  CHECK(exact == run_all(3, lo::scheduler::fixed{1}, {.suffix_every = 5, .suffix_from_epoch = 2}, unchanged));
  CHECK(distance(run(lo::alone{}, lo::scheduler::fixed{1}, {}, unchanged), exact) < 1e-12);
  // With four ranks, the last batch of three samples leaves one without any: that step is exact.
  (void)run_all(4, lo::scheduler::fixed{1}, {.prefix_every = 4, .suffix_every = 2}, unchanged);
}

TEST_CASE("rank averages: all ranks have the same bytes where a run may pause, stop or be stored") {
  // Stages leave the prefix in each epoch, between two exchanges.
  const auto boundary = [](std::size_t, std::size_t step) -> std::size_t { return step % 5 < 3 ? 2 : 1; };
  const lo::rank_options chosen{.prefix_every = 2, .suffix_every = 3};
  std::vector<std::vector<std::size_t>> pauses(2);
  std::vector<bool> same(2, true);
  const std::vector<double> whole = [&] {
    std::vector<std::vector<double>> found(2);
    CHECK(run_ranks(2, [&](const thread_ranks& ranks) {
            found[ranks.rank()] = run(ranks, boundary, chosen, [&](auto& trainer) {
              trainer.on_pause(1, [&] {
                pauses[ranks.rank()].push_back(trainer.state().step);
                const std::vector<double> arrays = all_arrays(trainer.model());
                const std::string bytes(reinterpret_cast<const char*>(arrays.data()), arrays.size() * sizeof(double));
                for (const std::string& other : ranks.gather(bytes)) {
                  if (other != bytes) same[ranks.rank()] = false;
                }
              });
            });
          }) == std::vector<std::string>(2));
    CHECK(found[0] == found[1]);
    return found[0];
  }();
  CHECK(same == std::vector<bool>{true, true});
  CHECK(pauses[0] == std::vector<std::size_t>{6, 0, 6, 0});  // 9 steps in an epoch
  CHECK(pauses[1] == pauses[0]);

  // The run is stopped on one rank, stored, and continued by other trainers.
  std::vector<std::vector<double>> found(2);
  CHECK(run_ranks(2, [&](const thread_ranks& ranks) {
          std::optional<lo::stored_run<double>> stored;
          (void)run(ranks, boundary, chosen, [&](auto& trainer) {
            trainer.on_step([&](const lo::step_event& event) {
              if (ranks.rank() == 1 && event.epoch == 0 && event.step == 3) trainer.request_stop();
            });
            trainer.on_pause(6, [&] { stored = lo::store(trainer); });
          });
          REQUIRE(stored.has_value());
          CHECK(stored->state.step == 6);
          found[ranks.rank()] = run(ranks, boundary, chosen, [&](auto& trainer) { lo::restore(trainer, *stored); });
        }) == std::vector<std::string>(2));
  CHECK(found[0] == whole);
  CHECK(found[1] == whole);
}

TEST_CASE("rank averages: what is exchanged, and how often") {
  const auto values_of = [](const lo::rank_options& chosen) {
    std::size_t values = 0;
    CHECK(run_ranks(2, [&](const thread_ranks& ranks) {
            (void)run(ranks, lo::scheduler::fixed{2}, chosen, unchanged);
            if (ranks.first()) values = ranks.summed_values();
          }) == std::vector<std::string>(2));
    return values;
  };
  constexpr std::size_t prefix = 36 + 4 + 4 * 4 + 512 + 8 + 512;  // weights, biases, normalization, and momentum
  constexpr std::size_t suffix = 2 * (24 + 3);                    // weights and bias, and their momentum
  // In an epoch of nine steps: five, three and two exchanges, each of which is followed by a question whether to stop.
  const std::size_t two = values_of({.prefix_every = 2});
  const std::size_t four = values_of({.prefix_every = 4});
  const std::size_t eight = values_of({.prefix_every = 8});
  CHECK(two - four == options.epochs * 2 * (prefix + 1));
  CHECK(four - eight == options.epochs * 1 * (prefix + 1));
  // Gradients are summed nine times; the blocks have their padding.
  CHECK(eight - values_of({.prefix_every = 8, .suffix_every = 8}) ==
        options.epochs * (9 * (24 + 8)) - options.epochs * 2 * suffix);
}

TEST_CASE("rank averages: a divergence is found on all ranks") {
  std::vector<std::string> found(3);
  CHECK(run_ranks(3, [&](const thread_ranks& ranks) {
          try {
            (void)run(ranks, lo::scheduler::fixed{1}, {.prefix_every = 4, .suffix_every = 4}, [&](auto& trainer) {
              trainer.on_gradients([&](const lo::gradients_event<double>& event) {
                if (ranks.rank() == 1 && event.step == 2) {
                  event.arrays[0].gradient[0] = std::numeric_limits<double>::infinity();
                }
              });
            });
          } catch (const lo::divergence_error& failure) {
            found[ranks.rank()] = failure.what();
          }
        }) == std::vector<std::string>(3));
  CHECK(found[0].find("a weight is not finite") != std::string::npos);
  CHECK(found == std::vector<std::string>(3, found[0]));
}

TEST_CASE("rank averages: options out of range") {
  model own;
  trainer_type trainer{own, lo::scheduler::fixed{0}, lo::supervision::none{}, options};
  const auto message_of = [&](const lo::rank_options& chosen) {
    return localis_test::message<lo::config_error>([&] { trainer.distribute(lo::alone{}, chosen); });
  };
  CHECK(message_of({.bucket_bytes = 0}) == "distribute: bucket_bytes: expected at least 1, found 0");
  CHECK(message_of({.prefix_every = 0}) == "distribute: prefix_every: expected at least 1, found 0");
  CHECK(message_of({.suffix_every = 0}) == "distribute: suffix_every: expected at least 1, found 0");
  const auto messages = run_ranks(2, [&](const thread_ranks& ranks) {
    (void)run(ranks, lo::scheduler::fixed{1}, {.suffix_every = 2}, [](auto& one) { one.accumulate_gradients(2); });
  });
  CHECK(messages[0] == "trainer::distribute: batches of a gradient step: expected 1, with suffix_every > 1, found 2");
}
