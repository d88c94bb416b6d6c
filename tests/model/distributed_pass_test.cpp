#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/message.hpp"
#include "support/small_runs.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/zoo/resnet.hpp>

namespace {

namespace lo = localis;
using localis_test::run_ranks;
using localis_test::thread_ranks;
namespace runs = localis_test::small_runs;

using net = lo::network<lo::vector_input<12>, lo::dense<16, lo::rule::oja>, lo::relu, lo::dense<8, lo::rule::oja>,
                        lo::relu, lo::dense<3>>;
using model = lo::model<net, lo::reference::backend<double>>;

/// The part of one rank in a batch of three samples for each.
struct samples {
  std::vector<double> features;
  std::vector<std::uint32_t> labels;
  lo::detail::exchange_over<thread_ranks> ranks;
  lo::whole_batch whole;

  explicit samples(const thread_ranks& of_run) : ranks(of_run) {
    const lo::random_stream random(7, ranks.rank());
    for (std::size_t i = 0; i < 36; ++i) features.push_back(random.normal(i));
    labels = {0, 1, 2};
    whole = lo::detail::join_parts(ranks, 3, 3);
  }
  [[nodiscard]] lo::step_options options(std::size_t boundary) const {
    lo::step_options result;
    result.boundary = boundary;
    result.local_rate = 0.01;
    result.labels = labels;
    result.whole = ranks.size() == 1 ? nullptr : &whole;
    return result;
  }
};

/// Numbers of doubles: arrays begin at multiples of 64 bytes.
constexpr std::size_t rounded(std::size_t values) { return (values + 7) / 8 * 8; }
constexpr std::size_t first = rounded(16 * 12) + rounded(16);
constexpr std::size_t second = rounded(8 * 16) + rounded(8);
constexpr std::size_t third = rounded(3 * 8) + rounded(3);

/// Several ranks of which only the number matters.
struct two_ranks : lo::alone {
  [[nodiscard]] static constexpr std::size_t size() { return 2; }
};
constexpr two_ranks two;

}  // namespace

TEST_CASE("distributed pass: sums are begun while operations run, and complete behind backward()") {
  struct expected {
    std::size_t boundary, bucket, forward, backward, progress;
  };
  for (const expected& e : {expected{0, 1U << 20, 0, 1, 1}, expected{0, 1, 0, 3, 5}, expected{0, 300, 0, 2, 3},
                            expected{1, 1, 1, 2, 5 + 3}, expected{2, 1, 2, 1, 5 + 1}}) {
    CAPTURE(e.boundary);
    CAPTURE(e.bucket);
    std::vector<std::vector<std::size_t>> found(2);
    const auto messages = run_ranks(2, [&](const thread_ranks& ranks) {
      model m{{.seed = 2}};
      m.distribute(ranks, {.bucket_bytes = e.bucket});
      m.prepare({.batch = 3});
      const samples batch(ranks);
      const std::size_t sums = ranks.sums();
      const std::size_t values = ranks.summed_values();
      m.forward(batch.features, 3, batch.options(e.boundary));
      std::vector<std::size_t>& own = found[ranks.rank()];
      own.push_back(ranks.under_way());
      m.compute_loss_async(lo::loss::softmax_cross_entropy{}, batch.labels);
      own.push_back(ranks.under_way());
      m.backward();
      own.push_back(ranks.under_way());
      own.push_back(ranks.sums() - sums);
      own.push_back(ranks.summed_values() - values);
      own.push_back(ranks.progress_calls());
    });
    CHECK(messages == std::vector<std::string>(2));
    // Besides, the loss and the number of correct samples.
    const std::vector<std::size_t> wanted{
        e.forward, e.forward, 0, e.forward + e.backward + 1, first + second + third + 2, e.progress};
    CHECK(found[0] == wanted);
    CHECK(found[1] == wanted);
  }
}

TEST_CASE("distributed pass: without a backward pass, rules take their steps before the next pass") {
  const auto weights_after = [](const auto& act) {
    std::vector<std::vector<double>> found(2);
    const auto messages = run_ranks(2, [&](const thread_ranks& ranks) {
      model m{{.seed = 2}};
      m.distribute(ranks);
      m.prepare({.batch = 3});
      const samples batch(ranks);
      act(m, batch);
      found[ranks.rank()] = runs::parameters(m);
    });
    CHECK(messages == std::vector<std::string>(2));
    CHECK(found[0] == found[1]);
    return found[0];
  };
  const auto forward = [](model& m, const samples& batch) { m.forward(batch.features, 3, batch.options(2)); };
  const std::vector<double> learned = weights_after([&](model& m, const samples& batch) {
    forward(m, batch);
    m.compute_loss_async(lo::loss::softmax_cross_entropy{}, batch.labels);
    m.backward();
  });
  CHECK(learned != weights_after([](model&, const samples&) {}));
  CHECK(learned == weights_after([&](model& m, const samples& batch) {
          forward(m, batch);
          (void)m.predict(batch.features, 3);
        }));
  CHECK(learned == weights_after([&](model& m, const samples& batch) {
          forward(m, batch);
          m.prepare({.batch = 5});
        }));
  CHECK(learned == weights_after([&](model& m, const samples& batch) {
          forward(m, batch);
          m.distribute(lo::alone{});
          CHECK(m.ranks() == nullptr);
        }));
  CHECK(learned == weights_after([&](model& m, const samples& batch) {
          lo::step_options options = batch.options(2);
          options.prefix_only = true;
          m.forward(batch.features, 3, options);
        }));
  (void)weights_after([&](model& m, const samples& batch) { forward(m, batch); });  // waits before it frees the arena
}

TEST_CASE("distributed pass: several ranks take one block more, and the sums of rules") {
  using net20 = lo::zoo::resnet20<10, lo::rule::oja>;
  lo::model<net20, lo::cpu::backend<float>> one;
  lo::model<net20, lo::cpu::backend<float>> several;
  constexpr std::size_t block = std::size_t{1} << 18;
  several.distribute(two, {.bucket_bytes = block});
  const lo::memory_request request{.batch = 32};
  const auto alone = one.summary(request).memory;
  const auto found = several.summary(request).memory;
  REQUIRE(found.size() == alone.size());
  std::size_t before = 0;  // sums of rules: weights, some values for each unit, and padding
  for (std::size_t boundary = 0; boundary < found.size(); ++boundary) {
    CAPTURE(boundary);
    // The operation that fills a block adds less than its least size.
    CHECK(found[boundary].arena <= alone[boundary].arena + 2 * block + before);
    for (const lo::operation& op : net20::program.operations) {
      if (op.trainable() && op.stage == boundary) before += 4 * op.map().weights() + 32 * op.map().outputs() + 256;
    }
  }
  CHECK(found[0].arena > alone[0].arena);
  several.distribute(lo::alone{});
  const auto again = several.summary(request).memory;
  for (std::size_t boundary = 0; boundary < found.size(); ++boundary) {
    CHECK(again[boundary].arena == alone[boundary].arena);
  }
}

TEST_CASE("distributed pass: options out of range") {
  model m;
  CHECK(localis_test::message<lo::config_error>([&] { m.distribute(two, {.bucket_bytes = 0}); }) ==
        "distribute: bucket_bytes: expected at least 1, found 0");
}
