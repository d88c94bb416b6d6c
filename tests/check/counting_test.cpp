#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/residual.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/anti_hebb.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/instar.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/krotov_hopfield.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/nonlinear_hpca.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/sanger.hpp>
#include <localis/rule/soft_hebb.hpp>
#include <localis/rule/soft_winner_take_all.hpp>
#include <localis/rule/subspace.hpp>

namespace lo = localis;
using lo::check::multiply_adds;
using oja = lo::rule::oja;

namespace {

using backend = lo::check::counting<lo::reference::backend<double>>;

using net = lo::network<lo::image<8, 6, 2>, lo::conv2d<4, 3, lo::padding<1>, oja>, lo::batch_norm, lo::relu,
                        lo::residual<lo::shortcut<lo::conv2d<6, 1, lo::stride<2>, oja>, lo::batch_norm>,
                                     lo::conv2d<6, 3, lo::stride<2>, lo::padding<1>, oja>, lo::batch_norm, lo::relu,
                                     lo::conv2d<6, 3, lo::padding<1>, oja>, lo::batch_norm>,
                        lo::relu, lo::dense<5, lo::rule::hebb>, lo::relu, lo::dense<3>>;

// Multiply-adds of one sample, P O I.
constexpr std::size_t conv = 48 * 4 * 18;
constexpr std::size_t projection = 12 * 6 * 4;
constexpr std::size_t first = 12 * 6 * 36;
constexpr std::size_t second = 12 * 6 * 54;
constexpr std::size_t block = projection + first + second;
constexpr std::size_t dense = 5 * 72;
constexpr std::size_t last = 3 * 5;
constexpr std::size_t all = conv + block + dense + last;

constexpr std::size_t samples = 3;

multiply_adds times(const multiply_adds& one, std::size_t n) {
  return {one.response * n, one.rule * n, one.weight_gradient * n, one.input_gradient * n};
}

struct step {
  backend counted;
  lo::model<net, backend> model{{.seed = 2}, counted};
  std::vector<double> x = std::vector<double>(samples * 8 * 6 * 2, 0.5);
  std::vector<std::uint32_t> labels{0, 1, 2};

  step() { model.prepare({.batch = samples}); }
  multiply_adds cost(std::size_t boundary, double local_rate) {
    counted.counts() = {};
    model.forward(x, samples, {.boundary = boundary, .local_rate = local_rate});
    model.loss(lo::loss::softmax_cross_entropy{}, labels);
    model.backward();
    return counted.counts();
  }
};

void check_equal(const multiply_adds& found, const multiply_adds& expected) {
  CHECK(found.response == expected.response);
  CHECK(found.rule == expected.rule);
  CHECK(found.weight_gradient == expected.weight_gradient);
  CHECK(found.input_gradient == expected.input_gradient);
}

}  // namespace

TEST_CASE("counting: a local stage costs its response and one product, a stage below T no gradient") {
  step s;
  // Stages: convolution, block, dense, dense. Stage 0 never needs an input gradient, nor does the transition stage: in
  // a block that is its first convolution and its projection.
  check_equal(s.cost(0, 1e-3), times({all, 0, all, block + dense + last}, samples));
  check_equal(s.cost(1, 1e-3), times({all, conv, block + dense + last, second + dense + last}, samples));
  check_equal(s.cost(2, 1e-3), times({all, conv + block, dense + last, last}, samples));
  check_equal(s.cost(3, 1e-3), times({all, conv + block + dense, last, 0}, samples));
}

TEST_CASE("counting: a frozen prefix costs its response alone") {
  step s;
  check_equal(s.cost(0, 0), times({all, 0, all, block + dense + last}, samples));
  check_equal(s.cost(2, 0), times({all, 0, dense + last, last}, samples));
  check_equal(s.cost(3, 0), times({all, 0, last, 0}, samples));
}

TEST_CASE("counting: an evaluation costs the response of the samples that are there") {
  step s;
  s.counted.counts() = {};
  (void)s.model.predict(s.x, samples);
  check_equal(s.counted.counts(), times({all, 0, 0, 0}, samples));
  const std::vector<double> more(5 * 8 * 6 * 2, 0.5);  // two batches: 3 and 2
  (void)s.model.predict(more, 5);
  check_equal(s.counted.counts(), times({all, 0, 0, 0}, samples + 5));
}

TEST_CASE("counting: counts add up over steps, over copies, and to the total") {
  step s;
  const multiply_adds one = s.cost(1, 1e-3);
  CHECK(one.total() == samples * (all + conv + block + dense + last + second + dense + last));
  s.model.forward(s.x, samples, {.boundary = 1, .local_rate = 1e-3});
  CHECK(s.counted.counts().rule == 2 * one.rule);
  const backend copy = s.counted;
  copy.counts() = {};
  CHECK(s.model.backend().counts() == multiply_adds{});
}

TEST_CASE("counting: the numbers are those of the backend that is counted") {
  step s;
  lo::model<net, lo::reference::backend<double>> plain{{.seed = 2}};
  plain.prepare({.batch = samples});
  const auto expected = plain.forward(s.x, samples, {.boundary = 2, .local_rate = 1e-3});
  const auto found = s.model.forward(s.x, samples, {.boundary = 2, .local_rate = 1e-3});
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i] == expected[i]);
}

namespace {

struct same {
  template <class T>
  constexpr T operator()(T u) const {
    return u;
  }
};

/// What one step of a rule adds to the response, in a 3 x 3 convolution of `Units` units; no counting by hand is meant
/// to be right by chance: P, O and I have no common factor but 1 and those of 3.
template <std::size_t Units, std::size_t Channels = 2, class Rule, class... Policies>
std::size_t added(const Rule& rule, std::size_t batch = 5, std::size_t every = 1) {
  using option = lo::rule::local<Rule, lo::rule::unguarded, lo::rule::sampled_rows, Policies...>;
  using layer = lo::conv2d<Units, 3, lo::padding<1>, option>;
  using network = lo::network<lo::image<5, 7, Channels>, layer, lo::dense<2>>;
  const backend counted;
  lo::model<network, backend> m{{.seed = 2}, counted};
  m.template layer<0>().rule() = rule;
  m.template layer<0>().local().rows.every = every;
  m.prepare({.batch = batch});
  std::vector<double> input(batch * 35 * Channels);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = 0.01 * static_cast<double>(i % 37) - 0.1;
  m.forward(input, batch, {.boundary = 1, .local_rate = 1e-3});
  CHECK(counted.counts().response == batch * 35 * Units * 9 * Channels + batch * 35 * Units * 2);
  return counted.counts().rule;
}

constexpr std::size_t rows = 5 * 35;
constexpr std::size_t seen = 18;

}  // namespace

TEST_CASE("counting: rules of one product") {
  constexpr std::size_t product = rows * 4 * seen;
  CHECK(added<4>(lo::rule::hebb{.decay = 0.1}) == product);
  CHECK(added<4>(lo::rule::oja{}) == product);
  CHECK(added<4>(lo::rule::anti_hebb{}) == product);
  CHECK(added<4>(lo::rule::instar{}) == product);
  CHECK(added<4>(lo::rule::bcm{}) == product);
  CHECK(added<4>(lo::rule::soft_winner_take_all{}) == product);
  CHECK(added<4>(lo::rule::soft_hebb{.rate_power = 0.5}) == product);
  CHECK(added<4>(lo::rule::k_winners{}) == product);
  CHECK(added<4>(lo::rule::krotov_hopfield{}) == product);
  CHECK(added<4>(lo::rule::covariance{}) == product);
}

TEST_CASE("counting: few active gates, where there are many units and inputs for each") {
  constexpr std::size_t wide = 72;
  CHECK(added<16, 8>(lo::rule::k_winners{}) == rows * wide);
  CHECK(added<16, 8>(lo::rule::k_winners{.winners = 2}) == 2 * rows * wide);
  CHECK(added<16, 8>(lo::rule::k_winners{.winners = 3}) == rows * 16 * wide);
  CHECK(added<16, 8>(lo::rule::krotov_hopfield{}) == 2 * rows * wide);
  // A power other than 2: one response more.
  CHECK(added<16, 8>(lo::rule::krotov_hopfield{.power = 3}) == 2 * rows * wide + rows * 16 * wide);
  CHECK(added<4>(lo::rule::krotov_hopfield{.power = 3}) == 2 * rows * 4 * seen);
}

TEST_CASE("counting: rules whose units forget by each other") {
  constexpr std::size_t by_matrix = rows * 4 * seen + rows * 16 + 16 * seen;
  CHECK(added<4>(lo::rule::sanger{}) == by_matrix);
  CHECK(added<4>(lo::rule::nonlinear_hpca<same>{}) == by_matrix);
  CHECK(added<4>(lo::rule::subspace{}) == by_matrix);
  // More units than inputs: U^T (X - U W) is cheaper, and sanger has no such form.
  CHECK(added<20>(lo::rule::subspace{}) == 2 * rows * 20 * seen);
  CHECK(added<17>(lo::rule::sanger{}) == rows * 17 * seen + rows * 17 * 17 + 17 * 17 * seen);
}

TEST_CASE("counting: rows that are not learned from are not counted") {
  // 175 rows by 8: 22 from the first seven on, 21 from the last.
  const auto near = [](std::size_t found, std::size_t one) { return found == 21 * one || found == 22 * one; };
  CHECK(near(added<4>(lo::rule::oja{}, 5, 8), 4 * seen));
  CHECK(near(added<16, 8>(lo::rule::k_winners{.winners = 2}, 5, 8), 2 * 72));
  CHECK(near(added<4>(lo::rule::krotov_hopfield{.power = 3}, 5, 8), 2 * 4 * seen));
  CHECK(near(added<4>(lo::rule::sanger{}, 5, 8) - 16 * seen, 4 * seen + 16));
  CHECK(near(added<4>(lo::rule::covariance{}, 5, 8), 4 * seen));
}

TEST_CASE("counting: normalized signals cost no product more") {
  CHECK(added<4, 2, lo::rule::oja, lo::rule::running_normalized_signal>({}) == rows * 4 * seen);
  CHECK(added<4, 2, lo::rule::oja, lo::rule::batch_normalized_signal>({}) == rows * 4 * seen);
}

TEST_CASE("counting: a supervised stage costs one weight gradient, its head's products, and no input gradient below") {
  using network = lo::network<lo::vector_input<7>, lo::dense<5, lo::rule::local_error>, lo::relu, lo::dense<3>>;
  const backend counted;
  lo::model<network, backend> m{{.seed = 2}, counted};
  m.prepare({.batch = samples});
  const std::vector<double> input(samples * 7, 0.5);
  const std::vector<std::uint32_t> labels{0, 1, 2};
  m.forward(input, samples, {.boundary = 1, .local_rate = 1e-3, .labels = labels});
  constexpr std::size_t head = samples * 5 * 3;
  check_equal(counted.counts(), {samples * (7 * 5 + 5 * 3) + head, 0, samples * 7 * 5 + head, head});
  // Behind the boundary only the head.
  counted.counts() = {};
  m.forward(input, samples, {.boundary = 0, .local_rate = 1e-3, .labels = labels});
  check_equal(counted.counts(), {samples * (7 * 5 + 5 * 3) + head, 0, head, 0});
}
