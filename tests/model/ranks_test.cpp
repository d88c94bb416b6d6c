#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "support/small_runs.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/communicator.hpp>
#include <localis/data/loader.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/shipped.hpp>
#include <localis/train/gradient_descent.hpp>

namespace {

namespace lo = localis;
using localis_test::run_ranks;
using localis_test::thread_ranks;
namespace runs = localis_test::small_runs;

/// What a run leaves behind: every weight, statistic and state, and the losses of its steps.
struct outcome {
  std::vector<double> arrays;
  std::vector<double> losses;
  std::vector<std::size_t> sums;  ///< before each step and at the end: how many sums the rank has asked for
};

template <class Model>
std::vector<double> all_arrays(const Model& model) {
  std::vector<double> all;
  const auto take = [&](const lo::operation&, const auto& p) { all.insert(all.end(), p.value, p.value + p.size()); };
  model.for_each_parameter(take);
  model.for_each_state(take);
  const auto errors = model.remembered_errors();
  all.insert(all.end(), errors.begin(), errors.end());
  return all;
}

/// The largest difference, relative to the largest value; infinite if a value is not finite.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 1e-300;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = (std::max)(largest, std::abs(a[i]));
    difference = (std::max)(
        difference, std::isfinite(a[i] - b[i]) ? std::abs(a[i] - b[i]) : std::numeric_limits<double>::infinity());
  }
  return difference / largest;
}

struct choice {
  std::size_t boundary = 0;
  lo::prefix_normalization normalization = lo::prefix_normalization::running;
  std::size_t samples = 61;  ///< a last batch of 1 sample, of which other ranks have none
  std::size_t batch = 12;
  std::size_t steps = 20;
  std::size_t bucket = std::size_t{1} << 20;  ///< rank_options::bucket_bytes
};

/// Some samples without a label.
struct half_labelled {
  lo::data::images real;
  [[nodiscard]] std::size_t size() const { return real.size(); }
  [[nodiscard]] std::size_t height() const { return real.height(); }
  [[nodiscard]] std::size_t width() const { return real.width(); }
  [[nodiscard]] std::size_t channels() const { return real.channels(); }
  [[nodiscard]] std::size_t classes() const { return real.classes(); }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    const std::uint32_t label = real.read(index, features);
    return index % 5 == 1 ? lo::data::unlabelled : label;
  }
};

/// Some steps of a loop of one's own.
template <class Network, class Backend, class Ranks>
outcome steps_of(const Ranks& ranks, const choice& chosen) {
  const half_labelled data{runs::pictures(chosen.samples)};
  lo::model<Network, Backend> model{{.seed = 3}};
  model.distribute(ranks, {.bucket_bytes = chosen.bucket});
  const lo::data::batch_part part{ranks.rank(), ranks.size()};
  lo::data::loader<double, half_labelled> batches(data, chosen.batch, 5, true, part);
  model.prepare(
      {.batch = part.largest(chosen.batch), .samples = chosen.samples, .normalization = chosen.normalization});
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  outcome result;
  for (std::size_t step = 0; step < chosen.steps; ++step) {
    const auto batch = batches.get(step / batches.steps(), step % batches.steps());
    if constexpr (requires { ranks.sums(); }) result.sums.push_back(ranks.sums());
    model.forward(batch, {.boundary = step < 4 ? 0 : chosen.boundary,  // first, rules observe true gradients
                          .local_rate = 0.005,
                          .normalization = chosen.normalization,
                          .step = step,
                          .labels = batch.labels,
                          .indices = batch.indices});
    const double loss = model.loss(lo::loss::softmax_cross_entropy{}, batch.labels);
    result.losses.push_back(std::isnan(loss) ? -1 : loss);  // a batch without labels
    model.backward();
    descent.step(0.05);
  }
  result.arrays = all_arrays(model);
  if constexpr (requires { ranks.sums(); }) result.sums.push_back(ranks.sums());
  return result;
}

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

template <class Rule>
using plain_net = lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu,
                              lo::max_pool2d<2>, lo::dense<8, Rule>, lo::relu, lo::dropout, lo::dense<3>>;
template <class Rule>
using net =
    lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::padding<1>, Rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
                lo::conv2d<6, 3, lo::padding<1>, lo::rule::local<Rule, lo::rule::relative_step>>, lo::batch_norm,
                lo::relu, lo::dropout, lo::dense<8, Rule>, lo::batch_norm, lo::relu, lo::dense<3>>;

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

namespace {

using varied = lo::network<
    lo::image<8, 8, 1>,
    lo::conv2d<4, 3, lo::padding<1>, lo::rule::local<lo::rule::hebb, lo::rule::sampled_rows, lo::rule::max_abs_step>>,
    lo::relu,
    lo::conv2d<4, 3,
               lo::rule::local<lo::rule::oja, lo::rule::running_normalized_signal, lo::rule::hebbian_bias,
                               lo::optimizer::adam, lo::rule::unit_rows>>,
    lo::batch_norm, lo::relu, lo::conv2d<4, 3, lo::rule::local<lo::rule::oja, lo::rule::eligibility_trace>>, lo::relu,
    lo::dense<3>>;

}  // namespace

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
