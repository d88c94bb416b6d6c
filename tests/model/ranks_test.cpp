#include <cstddef>
#include <string>
#include <vector>

#include "support/rank_steps.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/shipped.hpp>

namespace {

namespace lo = localis;
using localis_test::run_ranks;
using localis_test::thread_ranks;
using namespace localis_test::rank_steps;

struct one_thread : lo::cpu::backend<double> {
  one_thread() : lo::cpu::backend<double>({.threads = 1}) {}
};
using reference = lo::reference::backend<double>;

/// Whether 2, 3 and 4 ranks do what one does.
template <class Network, class Backend = reference>
void check_ranks(const choice& chosen) {
  const outcome one = steps_of<Network, Backend>(lo::alone{}, chosen);
  for (std::size_t count = 1; count <= 4; ++count) {
    CAPTURE(count);
    CAPTURE(chosen.boundary);
    std::vector<outcome> found(count);
    const auto messages = run_ranks(
        count, [&](const thread_ranks& ranks) { found[ranks.rank()] = steps_of<Network, Backend>(ranks, chosen); });
    CHECK(messages == std::vector<std::string>(count));
    for (const outcome& rank : found) {
      CHECK(rank.arrays == found[0].arrays);  // the same bytes
      CHECK(distance(one.arrays, rank.arrays) < 1e-12);
      CHECK(distance(one.losses, rank.losses) < 1e-12);
      if (count == 1) {
        CHECK(rank.arrays == one.arrays);
        CHECK(rank.sums.back() == 0);
      }
    }
  }
}

}  // namespace

TEST_CASE("ranks: gradients, batch normalization on both sides of the boundary, and dropout") {
  using enum lo::prefix_normalization;
  for (const std::size_t boundary : {0U, 1U, 2U, 3U}) {
    for (const auto normalization : {running, batch, frozen}) {
      check_ranks<net<lo::rule::oja>>({.boundary = boundary, .normalization = normalization});
    }
  }
}

TEST_CASE("ranks: gradients in blocks of any size") {
  for (const std::size_t bucket : {1U, 500U, 2000U}) {
    check_ranks<net<lo::rule::oja>>({.bucket = bucket});
    check_ranks<net<lo::rule::local_error>, one_thread>({.boundary = 2, .bucket = bucket});
  }
}

TEST_CASE("ranks: on the CPU") {
  for (const std::size_t boundary : {0U, 2U, 3U}) {
    check_ranks<net<lo::rule::oja>, one_thread>({.boundary = boundary});
    check_ranks<net<lo::rule::subspace>, one_thread>({.boundary = boundary});
  }
}

TEST_CASE_TEMPLATE_DEFINE("ranks: rules", Rule, rules_of_ranks) {
  using name = typename lo::rule::detail::rule_of<Rule>::type;
  CAPTURE(name::name);
  for (const std::size_t boundary : {1U, 3U}) check_ranks<net<Rule>>({.boundary = boundary});
}
TEST_CASE_TEMPLATE_INVOKE(rules_of_ranks, lo::rule::hebb, lo::rule::anti_hebb, lo::rule::covariance, lo::rule::subspace,
                          lo::rule::sanger, lo::rule::nonlinear_hpca<lo::tanh_function>, lo::rule::bcm,
                          lo::rule::instar, lo::rule::k_winners, lo::rule::soft_winner_take_all, lo::rule::soft_hebb,
                          lo::rule::krotov_hopfield, lo::rule::local_error, lo::rule::error_feedback);

TEST_CASE("ranks: policies of rules") {
  for (const std::size_t boundary : {1U, 2U, 3U}) check_ranks<varied>({.boundary = boundary});
}

TEST_CASE("ranks: fewer samples than ranks") {
  // Without batch normalization of single rows, which divides by the root of nothing but epsilon.
  check_ranks<plain_net<lo::rule::covariance>>({.boundary = 2, .samples = 7, .batch = 2});
  check_ranks<plain_net<lo::rule::covariance>, one_thread>({.boundary = 1, .samples = 7, .batch = 2});
  check_ranks<plain_net<lo::rule::error_feedback>, one_thread>({.boundary = 1, .samples = 7, .batch = 3});
  check_ranks<plain_net<lo::rule::local_error>, one_thread>({.boundary = 2, .samples = 7, .batch = 3});
}

namespace {

/// Every sum of one step is needed: of the seventh, when rules have seen each sample's error before.
template <class Network>
void check_each_sum(const choice& chosen) {
  const outcome one = steps_of<Network, reference>(lo::alone{}, chosen);
  std::vector<std::size_t> sums;
  (void)run_ranks(2, [&](const thread_ranks& ranks) {
    const outcome found = steps_of<Network, reference>(ranks, chosen);
    if (ranks.first()) sums = found.sums;
  });
  REQUIRE(sums.size() == chosen.steps + 1);
  for (std::size_t number = sums[6] + 1; number < sums[7]; ++number) {  // the first one tells the parts
    CAPTURE(number);
    CAPTURE(sums[6]);
    CAPTURE(chosen.boundary);
    std::vector<outcome> found(2);
    const auto messages = run_ranks(2, [&](thread_ranks& ranks) {
      ranks.left_out = number;
      found[ranks.rank()] = steps_of<Network, reference>(ranks, chosen);
    });
    if (messages != std::vector<std::string>(2)) continue;
    const bool differs = distance(one.arrays, found[1].arrays) > 1e-9 || distance(one.losses, found[1].losses) > 1e-9;
    CHECK(differs);
  }
}

}  // namespace

TEST_CASE("ranks: each sum that is left out shows") {
  for (const std::size_t boundary : {0U, 1U, 3U}) {
    check_each_sum<net<lo::rule::oja>>({.boundary = boundary, .steps = 14});
    check_each_sum<net<lo::rule::covariance>>({.boundary = boundary, .steps = 14});
    check_each_sum<net<lo::rule::local_error>>({.boundary = boundary, .steps = 14});
    check_each_sum<net<lo::rule::error_feedback>>({.boundary = boundary, .steps = 14});
  }
  check_each_sum<net<lo::rule::oja>>({.boundary = 2, .normalization = lo::prefix_normalization::batch, .steps = 14});
  check_each_sum<varied>({.boundary = 3, .steps = 14});
}
