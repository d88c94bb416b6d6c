#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/cuda/backend.hpp"
#include "support/message.hpp"
#include "support/rank_steps.hpp"
#include "support/small_runs.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/model/traffic.hpp>
#include <localis/nccl/communicator.hpp>
#include <localis/nccl/error.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/subspace.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/trainer.hpp>

namespace {

namespace lo = localis;
namespace runs = localis_test::small_runs;
using localis_test::gpu;
using localis_test::run_ranks;
using localis_test::thread_ranks;
using namespace localis_test::rank_steps;

/// Ranks that are threads, whose devices go on while they wait for each other.
struct thread_hosts : thread_ranks {
  explicit thread_hosts(const thread_ranks& ranks) : thread_ranks(ranks) {}
  template <class T>
  void sum(std::span<T> values) const {
    lo::detail::wait_for_sum(*this, begin_sum(values));
  }
  [[nodiscard]] bool done(std::size_t number) const {
    standin::help_ranks();
    return thread_ranks::done(number);
  }
  [[nodiscard]] std::vector<std::string> gather(const std::string& own) const {
    double arrived = 1;
    sum(std::span<double>(&arrived, 1));
    return thread_ranks::gather(own);
  }
};

using gpu_ranks = lo::nccl::communicator<thread_hosts>;
static_assert(lo::communicator<gpu_ranks>);
static_assert(lo::array_communicator<gpu_ranks, gpu<float>>);
static_assert(lo::array_communicator<gpu_ranks, lo::reference::backend<float>>);
static_assert(!lo::array_communicator<thread_ranks, gpu<float>>);

constexpr std::size_t memory = std::size_t{16} << 20;

/// f(ranks) on ranks with a device each, of which nothing is left, in all modes. Returns what it has returned.
template <class F>
auto on_gpus(std::size_t count, const F& f) {
  using result = std::decay_t<decltype(f(std::declval<const gpu_ranks&>()))>;
  std::vector<result> results;
  for (const standin::mode works : {standin::mode::immediate, standin::mode::deferred, standin::mode::racing}) {
    std::vector<result> found(count);
    const std::vector<std::string> messages = run_ranks(count, [&](const thread_ranks& threads) {
      const thread_hosts hosts(threads);
      standin::reset(works, memory);
      found[threads.rank()] = f(gpu_ranks(hosts));
      CHECK(standin::alive() == 0);
    });
    for (const std::string& message : messages) CHECK(message == "");
    results.insert(results.end(), found.begin(), found.end());
  }
  return results;
}

struct small_gpu : gpu<double> {
  small_gpu() : gpu<double>(localis_test::small) {}
};

/// Whether ranks with a GPU each have the same bytes, and take the steps of one rank, or of as many on the host if each
/// normalizes its own part.
template <class Network>
void check_ranks(const choice& chosen) {
  using reference = lo::reference::backend<double>;
  const bool exact = chosen.statistics == lo::batch_statistics::all;
  for (const std::size_t count : {1U, 2U}) {
    outcome expected;
    CHECK(run_ranks(exact ? 1 : count,
                    [&](const thread_ranks& ranks) {
                      const outcome own = steps_of<Network, reference>(ranks, chosen);
                      if (ranks.first()) expected = own;
                    })
              .front()
              .empty());
    CAPTURE(chosen.boundary);
    CAPTURE(count);
    const auto found = on_gpus(count, [&](const gpu_ranks& ranks) {
      const outcome own = steps_of<Network, small_gpu>(ranks, chosen);
      CHECK((standin::seen().sums > 0) == (count > 1));
      return own;
    });
    for (const outcome& rank : found) {
      CHECK(rank.arrays == found[0].arrays);
      CHECK(distance(expected.arrays, rank.arrays) < 1e-12);
      CHECK(distance(expected.losses, rank.losses) < 1e-12);
    }
  }
}

}  // namespace

TEST_CASE("nccl: each rank gets a GPU of its own") {
  using lo::nccl::detail::assign_gpus;
  const std::vector<std::string> two{"1", "2"};
  CHECK(assign_gpus({{"a", two}, {"a", two}, {"b", two}}) == std::vector<int>{0, 1, 0});
  // A launcher that shows each rank a GPU of its own.
  CHECK(assign_gpus({{"a", {"2"}}, {"b", {"2"}}, {"a", {"1"}}}) == std::vector<int>{0, 0, 0});
  CHECK(assign_gpus({{"a", {"1"}}, {"a", two}}) == std::vector<int>{0, 1});
  CHECK(localis_test::message<lo::config_error>([&] {
          (void)assign_gpus({{"a", two}, {"b", two}, {"a", two}, {"a", two}});
        }) ==
        "nccl: GPUs of rank 3 (host a): expected one that no other rank of its machine has, found 2 for the 3 ranks "
        "of the machine");
  CHECK(localis_test::message<lo::config_error>([&] {
          (void)assign_gpus({{"a", {}}});
        }) ==
        "nccl: GPUs of rank 0 (host a): expected one that no other rank of its machine has, found 0 for the 1 ranks of "
        "the machine");
}

namespace {

/// Ranks of one machine.
struct of_one_machine : thread_ranks {
  explicit of_one_machine(const thread_ranks& ranks) : thread_ranks(ranks) {}
  [[nodiscard]] static std::string host() { return "a"; }
};

}  // namespace

TEST_CASE("nccl: a machine with fewer GPUs than ranks is refused on all ranks") {
  std::vector<std::string> found(2);
  CHECK(run_ranks(2, [&](const thread_ranks& threads) {
          standin::reset(standin::mode::immediate, memory);
          const of_one_machine hosts(threads);
          found[threads.rank()] =
              localis_test::message<lo::config_error>([&] { const lo::nccl::communicator ranks(hosts); });
          CHECK(standin::alive() == 0);
        }) == std::vector<std::string>(2));
  CHECK(found[0] ==
        "nccl: GPUs of rank 1 (host a): expected one that no other rank of its machine has, found 1 for the 2 ranks of "
        "the machine");
  CHECK(found[1] == found[0]);
}

TEST_CASE("nccl: sums lie in the order of the backend's work, and the host waits for none") {
  const auto found = on_gpus(2, [](const gpu_ranks& ranks) {
    const gpu<float> backend(localis_test::small);
    const auto sums = ranks.backend_sums(backend);
    const auto floats = backend.allocate<float>(lo::memory_kind::parameters, 1000);
    const auto doubles = backend.allocate<double>(lo::memory_kind::parameters, 10);
    const auto fill = [&](auto& array, double value) {
      using scalar = std::remove_reference_t<decltype(*array.data())>;
      backend.for_rows(1, array.size(), lo::kernel::fill<scalar>{array.data(), static_cast<scalar>(value)});
    };
    const auto own = static_cast<double>(ranks.rank());
    const standin::counts before = standin::seen();
    for (std::size_t round = 0; round < 3; ++round) {
      fill(floats, own);
      const std::size_t one = sums.begin_sum(std::span<float>(floats.data(), floats.size()));
      fill(doubles, 3 * own + 1);
      const std::size_t other = sums.begin_sum(std::span<double>(doubles.data(), doubles.size()));
      sums.progress();
      CHECK(sums.done(other));
      CHECK(sums.done(one));
      sums.sum(std::span<float>(floats.data(), 500));
      sums.sum(std::span<float>());
    }
    CHECK(standin::seen().sums - before.sums == 12);
    CHECK(standin::seen().summed - before.summed == 3 * (4000 + 80 + 2000));
    CHECK(standin::seen().synchronizations == before.synchronizations);
    CHECK(standin::seen().waits == before.waits);
    std::vector<float> a(1000);
    std::vector<double> b(10);
    backend.download(static_cast<const float*>(floats.data()), std::span<float>(a));
    backend.download(static_cast<const double*>(doubles.data()), std::span<double>(b));
    return std::vector<double>{a[0], a[499], a[500], b[0], b[9]};
  });
  for (const std::vector<double>& rank : found) CHECK(rank == std::vector<double>{2, 2, 1, 5, 5});
}

TEST_CASE("nccl: ranks take the steps of one, at every boundary") {
  using enum lo::prefix_normalization;
  for (const std::size_t boundary : {0U, 1U, 3U}) {
    check_ranks<net<lo::rule::oja>>({.boundary = boundary});
    check_ranks<net<lo::rule::oja>>({.boundary = boundary, .steps = 6, .statistics = lo::batch_statistics::own});
  }
  check_ranks<net<lo::rule::oja>>({.boundary = 2, .normalization = batch});
  check_ranks<net<lo::rule::oja>>({.boundary = 2, .bucket = 500});
  check_ranks<varied>({.boundary = 3});
}

TEST_CASE_TEMPLATE("nccl: rules", Rule, lo::rule::covariance, lo::rule::subspace, lo::rule::local_error,
                   lo::rule::error_feedback) {
  for (const std::size_t boundary : {1U, 3U}) check_ranks<net<Rule>>({.boundary = boundary, .steps = 10});
}

TEST_CASE("nccl: fewer samples than ranks") {
  check_ranks<plain_net<lo::rule::error_feedback>>({.boundary = 1, .samples = 7, .batch = 3});
}

namespace {

/// What a run leaves behind: arrays, and the numbers of its report.
template <class Backend, class Ranks, class Scheduler, class Supervision>
std::vector<double> run(const Ranks& ranks, const Backend& backend, const Scheduler& scheduler,
                        const Supervision& supervision, const lo::rank_options& options = {}) {
  const auto data = runs::pictures(49);  // a last batch of one
  lo::model<runs::net, Backend> model{{.seed = 2}, backend};
  lo::trainer trainer{model, scheduler, supervision, {.epochs = 3, .batch = 12, .local_rate = 0.01, .seed = 4}};
  trainer.distribute(ranks, options);
  std::vector<double> result;
  trainer.on_step([&](const lo::step_event& event) { result.push_back(event.loss); });
  for (const lo::epoch_record& epoch : trainer.fit(data, data).epochs) {
    result.insert(result.end(), {epoch.loss, epoch.accuracy, epoch.gain, epoch.validation_loss, epoch.update_norm});
  }
  const std::vector<double> arrays = all_arrays(model);
  result.insert(result.end(), arrays.begin(), arrays.end());
  return result;
}

}  // namespace

TEST_CASE("nccl: runs and their reports are those of one rank") {
  const auto check = [](const auto& scheduler, const auto& supervision) {
    const std::vector<double> one = run(lo::alone{}, lo::reference::backend<double>(), scheduler, supervision);
    for (const lo::cuda::options& options : {localis_test::small, localis_test::small_graphs}) {
      const auto found = on_gpus(2, [&](const gpu_ranks& ranks) {
        std::vector<double> own = run(ranks, gpu<double>(options), scheduler, supervision);
        CHECK(standin::seen().graphs == 0);
        return own;
      });
      for (const std::vector<double>& rank : found) CHECK(rank == found[0]);
      CHECK(distance(one, found[0]) < 1e-12);
    }
  };
  check(lo::scheduler::dynamic{}, lo::supervision::loss_gain{});
  check(lo::scheduler::fixed{1}, lo::supervision::per_stage<>{});
}

TEST_CASE("nccl: ranks that learn alone between exchanges do what they do on the host") {
  for (const lo::rank_options& options : {lo::rank_options{.prefix_every = 2},
                                          {.suffix_every = 2, .suffix_from_epoch = 1},
                                          {.prefix_every = 4, .suffix_every = 3}}) {
    CAPTURE(options.prefix_every);
    CAPTURE(options.suffix_every);
    const auto run_rank = [&](const auto& ranks, const auto& backend) {
      return run(ranks, backend, lo::scheduler::fixed{1}, lo::supervision::none{}, options);
    };
    std::vector<double> expected;
    CHECK(run_ranks(2, [&](const thread_ranks& ranks) {
            const std::vector<double> own = run_rank(ranks, lo::reference::backend<double>());
            if (ranks.first()) expected = own;
          }) == std::vector<std::string>(2));
    const auto found =
        on_gpus(2, [&](const gpu_ranks& ranks) { return run_rank(ranks, gpu<double>(localis_test::small)); });
    for (const std::vector<double>& rank : found) CHECK(rank == found[0]);
    CHECK(distance(expected, found[0]) < 1e-12);
  }
}

namespace {

/// What a step asks of the device, after others like it.
template <class Network, class Ranks>
standin::counts count_step(const Ranks& ranks, std::size_t boundary) {
  using model = lo::model<Network, small_gpu>;
  model m{{.seed = 3}};
  m.distribute(ranks);
  m.prepare({.batch = 4});
  lo::gradient_descent descent{m, lo::optimizer::sgd{.momentum = 0.9}};
  const std::vector<double> x(4 * Network::input.size(), 0.5);
  const std::vector<std::uint32_t> labels(4, 1);
  standin::counts before;
  for (std::size_t step = 0; step < 20; ++step) {
    before = standin::seen();
    m.forward(x, 4, {.boundary = boundary, .local_rate = 0.005, .labels = labels});
    m.compute_loss_async(lo::loss::softmax_cross_entropy{}, labels);
    m.backward();
    descent.step(0.05);
  }
  standin::counts found = standin::seen();
  found.synchronizations -= before.synchronizations;
  found.waits -= before.waits;
  found.downloads -= before.downloads;
  found.allocations -= before.allocations;
  found.sums -= before.sums;
  found.summed -= before.summed;
  return found;
}

// Its arrays fill 64 bytes, or some times so many.
using aligned_net = lo::network<lo::vector_input<16>, lo::dense<16, lo::rule::oja>, lo::batch_norm, lo::relu,
                                lo::dense<8, lo::rule::oja>, lo::batch_norm, lo::relu, lo::dense<8>>;

}  // namespace

TEST_CASE("nccl: a step adds up what the cost model says, and waits for no more than that of one rank") {
  for (const std::size_t boundary : {0U, 1U, 2U}) {
    standin::reset(standin::mode::deferred, memory);
    const standin::counts one = count_step<aligned_net>(lo::alone{}, boundary);
    CHECK(one.sums == 0);
    const lo::step_traffic traffic =
        lo::traffic_of_step<lo::model<aligned_net, small_gpu>>({.boundary = boundary, .samples = 8});
    const auto counted = on_gpus(2, [&](const gpu_ranks& ranks) { return count_step<aligned_net>(ranks, boundary); });
    for (const standin::counts& found : counted) {
      CHECK(found.synchronizations == 0);
      CHECK(found.waits == one.waits);  // for a buffer of an earlier upload
      CHECK(found.downloads == one.downloads);
      CHECK(found.allocations == one.allocations);
      // Of the numbers, loss and correct predictions; the others are the host's.
      CHECK(found.summed == traffic.bytes(sizeof(double)) - (traffic.numbers - 2) * sizeof(double));
    }
  }
}

TEST_CASE("nccl: whichever call fails, the rank says so, and the others are not left waiting") {
  const auto work = [](const gpu_ranks& ranks) {
    const gpu<float> backend(localis_test::small);
    const auto sums = ranks.backend_sums(backend);
    const auto array = backend.allocate<float>(lo::memory_kind::parameters, 4);
    for (std::size_t round = 0; round < 3; ++round) sums.sum(std::span<float>(array.data(), array.size()));
    std::vector<float> host(4);
    backend.download(static_cast<const float*>(array.data()), std::span<float>(host));
    sums.progress();
    return host;
  };
  std::size_t calls = 0;
  const auto found = on_gpus(2, [&](const gpu_ranks& ranks) {
    const std::size_t before = standin::seen().all;
    const std::vector<float> own = work(ranks);
    if (ranks.first()) calls = standin::seen().all - before;
    return own;
  });
  for (const std::vector<float>& rank : found) CHECK(rank == std::vector<float>(4, 0));
  CHECK(calls > 20);
  for (std::size_t call = 1; call <= calls; ++call) {
    CAPTURE(call);
    const auto messages = run_ranks(2, [&](const thread_ranks& threads) {
      const thread_hosts hosts(threads);
      standin::reset(standin::mode::immediate, memory);
      const gpu_ranks ranks(hosts);
      if (hosts.first()) standin::fail(call, ncclInternalError);
      (void)work(ranks);
      (void)ranks.gather("done");
    });
    if (messages[0].empty()) CHECK(call > calls - 3);  // calls that only clean up
    CHECK((messages[0].find("expected success, found an error of the stand-in: its reason") != std::string::npos ||
           messages[0].find("cuda: ") == 0 || messages[0].empty()));
  }
}

TEST_CASE("nccl: a sum that has failed since is an error of the next, and of all after it") {
  std::vector<std::vector<std::string>> found(2);
  const auto messages = run_ranks(2, [&](const thread_ranks& threads) {
    const thread_hosts hosts(threads);
    standin::reset(standin::mode::immediate, memory);
    const gpu_ranks ranks(hosts);
    const gpu<float> backend(localis_test::small);
    const auto sums = ranks.backend_sums(backend);
    const auto array = backend.allocate<float>(lo::memory_kind::parameters, 4);
    // Sizes that differ.
    sums.sum(std::span<float>(array.data(), ranks.first() ? 3U : 4U));
    (void)ranks.gather("both");
    for (std::size_t k = 0; k < 2; ++k) {
      found[ranks.rank()].push_back(localis_test::message<lo::nccl::error>([&] { sums.progress(); }));
    }
  });
  CHECK(messages == std::vector<std::string>(2));
  for (const auto& rank : found) {
    CHECK(rank ==
          std::vector<std::string>{
              "ncclCommGetAsyncError: expected success, found remote process exited or there was a network error: its "
              "reason",
              "ncclCommGetAsyncError: expected ranks that have not failed, found some that have"});
  }
}

TEST_CASE("nccl: a divergence is found on all ranks, in the same step") {
  std::vector<std::string> found(2);
  const auto messages = run_ranks(2, [&](const thread_ranks& threads) {
    const thread_hosts hosts(threads);
    // The records of one rank arrive at once, and those of the other late.
    standin::reset(hosts.first() ? standin::mode::immediate : standin::mode::deferred, memory);
    const gpu_ranks ranks(hosts);
    auto features = runs::features();
    features[5] = std::numeric_limits<float>::quiet_NaN();
    const lo::data::arrays data(runs::four, features, runs::classes, 3);
    lo::model<runs::tiny, gpu<float>> model{{.seed = 2}, gpu<float>(localis_test::small)};
    lo::trainer trainer{model, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 20, .batch = 4}};
    trainer.distribute(ranks);
    found[ranks.rank()] = localis_test::message<lo::data_error>([&] { trainer.fit(data); });
  });
  CHECK(messages == std::vector<std::string>(2));
  CHECK(found[0].starts_with("trainer: features of sample 1 of the training data"));
  CHECK(found[1] == found[0]);
}
