#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "ranks.hpp"
#include "support/small_runs.hpp"
#include <doctest/doctest.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/mpi/communicator.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace {

namespace lo = localis;
namespace runs = localis_test::small_runs;

template <class Ranks>
std::vector<double> weights_of_run(const Ranks& ranks, std::size_t batch, const lo::rank_options& options = {}) {
  const auto data = runs::pictures(49);  // a last batch of one
  runs::model model{{.seed = 2}};
  lo::trainer trainer{
      model, lo::scheduler::dynamic{}, lo::supervision::loss_gain{}, {.epochs = 3, .batch = batch, .local_rate = 0.01}};
  trainer.distribute(ranks, options);
  trainer.fit(data, data);
  std::vector<double> result = runs::parameters(model);
  result.push_back(trainer.report().epochs.back().loss);
  result.push_back(trainer.report().epochs.back().validation_accuracy);
  return result;
}

}  // namespace

TEST_CASE("mpi: sums and texts of all ranks") {
  const auto& ranks = mpi_ranks();
  const auto n = static_cast<double>(ranks.size());
  std::vector<double> values(100000);
  std::vector<float> floats(3, 1.0F);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * ranks.rank());
  ranks.sum(std::span<double>(values));
  ranks.sum(std::span<float>(floats));
  ranks.sum(std::span<double>());
  CHECK(values[99999] == 99999 * n * (n - 1) / 2);
  CHECK(static_cast<double>(floats[2]) == n);
  std::vector<double> first(100000, 1);
  std::vector<float> second(10, 2);
  const std::size_t one = ranks.begin_sum(std::span<double>(first));
  const std::size_t other = ranks.begin_sum(std::span<float>(second));
  ranks.sum(std::span<float>(floats));  // meanwhile
  while (!ranks.done(other)) ranks.progress();
  while (!ranks.done(one)) ranks.progress();
  CHECK(first == std::vector<double>(100000, n));
  CHECK(second == std::vector<float>(10, static_cast<float>(2 * n)));
  CHECK(static_cast<double>(floats[2]) == n * n);
  ranks.progress();  // nothing is under way
  const std::vector<std::string> texts = ranks.gather(std::string(ranks.rank(), 'x'));
  REQUIRE(texts.size() == ranks.size());
  for (std::size_t rank = 0; rank < texts.size(); ++rank) CHECK(texts[rank] == std::string(rank, 'x'));
  CHECK(ranks.first() == (ranks.rank() == 0));
  CHECK_FALSE(ranks.host().empty());
}

TEST_CASE("mpi: a run is that of one rank") {
  const std::vector<double> one = weights_of_run(lo::alone{}, 12);
  const std::vector<double> found = weights_of_run(mpi_ranks(), 12);
  REQUIRE(one.size() == found.size());
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    largest = (std::max)(largest, std::abs(one[i]));
    difference = (std::max)(difference, std::abs(one[i] - found[i]));
  }
  CHECK(difference <= 1e-12 * largest);
  std::string bytes(reinterpret_cast<const char*>(found.data()), found.size() * sizeof(double));
  for (const std::string& other : mpi_ranks().gather(bytes)) CHECK(other == bytes);
  CHECK(weights_of_run(mpi_ranks(), 12) == found);  // a repeated run too
}

TEST_CASE("mpi: ranks that learn alone between exchanges have the same bytes at the end") {
  for (const lo::rank_options& options :
       {lo::rank_options{.bucket_bytes = 1}, {.prefix_every = 2}, {.prefix_every = 4, .suffix_every = 3}}) {
    const std::vector<double> found = weights_of_run(mpi_ranks(), 12, options);
    const std::string bytes(reinterpret_cast<const char*>(found.data()), found.size() * sizeof(double));
    for (const std::string& other : mpi_ranks().gather(bytes)) CHECK(other == bytes);
    CHECK(weights_of_run(mpi_ranks(), 12, options) == found);
  }
}

namespace {

/// What a run throws on this rank; the last rank differs in this: its batch, training data, rate or schedule.
struct odd_run {
  std::size_t batch = 12;
  std::size_t samples = 25;
  double rate = 0.1;
  std::size_t boundary = 1;  ///< of the second epoch
  lo::batch_statistics statistics = lo::batch_statistics::all;
};
std::string refusal(const odd_run& other) {
  const auto& ranks = mpi_ranks();
  const odd_run own = ranks.rank() + 1 == ranks.size() ? other : odd_run{};
  runs::model model{{.seed = 2}};
  lo::trainer trainer{model,
                      [&own](std::size_t epoch) { return epoch == 1 ? own.boundary : 0; },
                      lo::supervision::none{},
                      {.epochs = 2, .batch = own.batch},
                      lo::optimizer::sgd{},
                      lo::learning_rate::constant{own.rate}};
  trainer.distribute(ranks, {.statistics = own.statistics});
  try {
    trainer.fit(runs::pictures(own.samples));
  } catch (const lo::config_error& failure) {
    return failure.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("mpi: what differs on one rank is named on every rank, within seconds") {
  const auto& ranks = mpi_ranks();
  if (ranks.size() == 1) return;
  const std::string other = lo::text(", rank ", ranks.size() - 1, " (host ", ranks.host(), ") has ");
  const auto start = std::chrono::steady_clock::now();
  CHECK(refusal({}) == "nothing");
  CHECK(refusal({.batch = 10}) == "ranks: batch: rank 0 has 12" + other + "10");
  CHECK(refusal({.samples = 24}) == "ranks: samples of the training data: rank 0 has 25" + other + "24");
  CHECK(refusal({.statistics = lo::batch_statistics::own}) ==
        "ranks: batch statistics: rank 0 has all" + other + "own");
  CHECK(refusal({.rate = 0.2}).starts_with("ranks: learning rate: rank 0 has "));
  CHECK(refusal({.boundary = 2}).starts_with("ranks: schedule of epoch 1: rank 0 has "));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("mpi: threads of a rank") {
  using lo::mpi::detail::threads_of_rank;
  CHECK(threads_of_rank(nullptr, 8, 2) == 4);
  CHECK(threads_of_rank(nullptr, 8, 3) == 2);
  CHECK(threads_of_rank(nullptr, 2, 4) == 1);
  CHECK(threads_of_rank("3", 8, 2) == 3);
  CHECK(threads_of_rank("4,2", 8, 2) == 4);  // of nested parallel regions
  CHECK(threads_of_rank("", 8, 2) == 4);
  const auto& ranks = mpi_ranks();
  CHECK(ranks.threads() == 1);  // run.sh sets OMP_NUM_THREADS
  const char* name = "OMP_NUM_THREADS";
  REQUIRE(::unsetenv(name) == 0);
  const std::size_t processors = std::thread::hardware_concurrency();  // of which ranks are bound to none
  CHECK(lo::mpi::communicator(mpi_session()).threads() == (std::max)(processors / ranks.size(), std::size_t{1}));
  REQUIRE(::setenv(name, "1", 1) == 0);
}
