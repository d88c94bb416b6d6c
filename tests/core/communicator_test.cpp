#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/wait_for_sum.hpp>

namespace lo = localis;
using localis_test::run_ranks;
using localis_test::thread_ranks;

TEST_CASE("one rank has no others") {
  const lo::alone rank;
  CHECK(rank.first());
  CHECK(rank.size() == 1);
  std::array<double, 2> values{1, 2};
  rank.sum(std::span<double>(values));
  CHECK(values == std::array<double, 2>{1, 2});
  CHECK(rank.done(rank.begin_sum(std::span<double>(values))));
  rank.progress();
  CHECK(rank.gather("text") == std::vector<std::string>{"text"});
  CHECK(lo::detail::on_any_rank(nullptr, true));
  CHECK_FALSE(lo::detail::on_any_rank(nullptr, false));
}

TEST_CASE("the batch of all ranks begins with the samples of the first") {
  std::array<lo::whole_batch, 3> found{};
  const auto messages = run_ranks(3, [&](const thread_ranks& ranks) {
    const lo::detail::exchange_over over(ranks);
    found[ranks.rank()] = lo::detail::join_parts(over, 2 * ranks.rank(), ranks.rank());  // 0, 2 and 4 samples
  });
  CHECK(messages == std::vector<std::string>(3));
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CHECK(found[rank].samples == 6);
    CHECK(found[rank].labelled == 3);
  }
  CHECK(found[0].first == 0);
  CHECK(found[1].first == 0);
  CHECK(found[2].first == 2);
}

TEST_CASE("sums, texts and conditions of all ranks") {
  std::array<bool, 3> right{};
  const auto messages = run_ranks(3, [&](const thread_ranks& ranks) {
    const lo::detail::exchange_over over(ranks);
    const lo::whole_batch whole{&over, 0, 0, 0};
    std::array<float, 2> values{static_cast<float>(ranks.rank()), 1};
    lo::detail::sum_over_ranks(&whole, values.data(), 2);
    lo::detail::sum_over_ranks(nullptr, values.data(), 2);
    right[ranks.rank()] = values == std::array<float, 2>{3, 3} && over.host() == ranks.host() &&
                          over.gather(std::to_string(over.rank())) == std::vector<std::string>{"0", "1", "2"} &&
                          lo::detail::on_any_rank(&over, ranks.rank() == 1) && !lo::detail::on_any_rank(&over, false);
  });
  CHECK(messages == std::vector<std::string>(3));
  CHECK(right == std::array<bool, 3>{true, true, true});
}

TEST_CASE("sums are complete in any order of asking") {
  std::array<bool, 3> right{};
  const auto messages = run_ranks(3, [&](const thread_ranks& ranks) {
    const lo::detail::exchange_over over(ranks);
    std::array<double, 2> first{1, static_cast<double>(ranks.rank())};
    std::array<float, 1> second{2};
    const std::size_t one = over.begin_sum(std::span<double>(first));
    const std::size_t other = over.begin_sum(std::span<float>(second));
    over.progress();
    lo::detail::wait_for_sum(over, other);
    lo::detail::wait_for_sum(over, one);
    right[ranks.rank()] = first == std::array<double, 2>{3, 3} && second == std::array<float, 1>{6};
  });
  CHECK(messages == std::vector<std::string>(3));
  CHECK(right == std::array<bool, 3>{true, true, true});
}

TEST_CASE("a sum that nobody waits for, or whose values change, shows in tests") {
  std::array<double, 2> values{1, 2};
  const auto forgotten =
      run_ranks(1, [&](const thread_ranks& ranks) { (void)ranks.begin_sum(std::span<double>(values)); });
  CHECK(forgotten == std::vector<std::string>{"sums that nobody waited for: expected 0, found 1"});
  const auto changed = run_ranks(1, [&](const thread_ranks& ranks) {
    const std::size_t number = ranks.begin_sum(std::span<double>(values));
    values[1] = 3;
    lo::detail::wait_for_sum(ranks, number);
  });
  CHECK(changed == std::vector<std::string>{"values have changed while their sum was under way"});
}

TEST_CASE("the text of the first rank reaches all, and so does what goes wrong there") {
  using lo::checkpoint_error;
  std::vector<std::string> texts(3);
  std::vector<std::string> messages(3);
  std::array<std::size_t, 3> calls{};
  const auto thrown = run_ranks(3, [&](const thread_ranks& ranks) {
    const lo::detail::exchange_over over(ranks);
    const std::size_t own = ranks.rank();
    texts[own] = lo::detail::run_on_first<checkpoint_error>(over, [&] {
      ++calls[own];
      return std::string("a\0b", 3);
    });
    try {
      (void)lo::detail::run_on_first<checkpoint_error>(over, []() -> std::string { throw lo::data_error("bad"); });
    } catch (const lo::data_error& failure) {
      messages[own] = std::string("data_error ") + failure.what();
    } catch (const checkpoint_error& failure) {
      messages[own] = std::string("checkpoint_error ") + failure.what();
    }
  });
  CHECK(thrown == std::vector<std::string>(3));
  CHECK(texts == std::vector<std::string>(3, std::string("a\0b", 3)));
  CHECK(calls == std::array<std::size_t, 3>{1, 0, 0});
  CHECK(messages == std::vector<std::string>{"data_error bad", "checkpoint_error bad", "checkpoint_error bad"});
}

TEST_CASE("a communicator that names steps is told of them") {
  struct named : lo::alone {
    std::size_t& place;
    void begin_step(std::size_t epoch, std::size_t step) const { place = 100 * epoch + step; }
  };
  std::size_t place = 0;
  const named ranks{{}, place};
  lo::detail::exchange_over(ranks).begin_step(3, 37);
  CHECK(place == 337);
  const lo::alone other;
  lo::detail::exchange_over(other).begin_step(3, 37);
}
