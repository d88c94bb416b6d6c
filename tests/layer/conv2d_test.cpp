#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "support/respond.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;
using localis_test::respond;
using reference = lo::reference::backend<double>;

namespace {

constexpr std::size_t samples = 3;

/// One layer of a network, run once before the boundary: its output, and its weights after the step.
template <class Input, class Layer>
struct run {
  using net = lo::network<Input, Layer, lo::dense<2>>;
  lo::model<net, reference> model;
  std::vector<double> output;

  run(const std::vector<double>& x, const std::vector<double>& weights) {
    model.prepare({.batch = samples});
    const std::span<double> w = weights_of();
    REQUIRE(w.size() == weights.size());
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = weights[i];
    model.forward(x, samples, {.boundary = 0});
    const auto y = model.stage_output(0);
    output.assign(y.begin(), y.end());
    model.forward(x, samples, {.boundary = 1, .local_rate = 0.05});
  }
  std::span<double> weights_of() {
    const auto p = model.template layer<0>().parameters()[0];
    return {p.value, p.size()};
  }
};

std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const lo::random_stream random(3, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// Channels begin ... begin + count of an image with `channels` of them.
std::vector<double> channels_of(const std::vector<double>& x, std::size_t channels, std::size_t begin,
                                std::size_t count) {
  std::vector<double> part;
  for (std::size_t pixel = 0; pixel < x.size() / channels; ++pixel) {
    for (std::size_t c = begin; c < begin + count; ++c) part.push_back(x[pixel * channels + c]);
  }
  return part;
}

template <class Rule>
void check_groups() {
  // 6 channels and 4 units in 2 groups, against two convolutions of 3 channels and 2 units.
  const std::vector<double> x = normal(samples * 5 * 4 * 6, 1);
  const std::vector<double> w = normal(4 * 9 * 3, 2);
  run<lo::image<5, 4, 6>, lo::conv2d<4, 3, lo::groups<2>, lo::padding<1>, lo::no_bias, Rule>> whole(x, w);
  for (std::size_t g = 0; g < 2; ++g) {
    const std::vector<double> half(w.begin() + static_cast<std::ptrdiff_t>(g * w.size() / 2),
                                   w.begin() + static_cast<std::ptrdiff_t>((g + 1) * w.size() / 2));
    run<lo::image<5, 4, 3>, lo::conv2d<2, 3, lo::padding<1>, lo::no_bias, Rule>> part(channels_of(x, 6, 3 * g, 3),
                                                                                      half);
    const std::vector<double> expected = channels_of(whole.output, 4, 2 * g, 2);
    REQUIRE(part.output.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(part.output[i] == doctest::Approx(expected[i]).epsilon(1e-13));
    for (std::size_t i = 0; i < half.size(); ++i) {
      CHECK(whole.weights_of()[g * half.size() + i] == doctest::Approx(part.weights_of()[i]).epsilon(1e-13));
      CHECK(part.weights_of()[i] != half[i]);
    }
  }
}

}  // namespace

TEST_CASE("conv2d: cross-correlation with padding and stride, by hand") {
  // 1 2 3      kernel  1 10
  // 4 5 6             100 1000
  using plain = lo::network<lo::image<2, 3, 1>, lo::conv2d<1, 2>>;
  CHECK(plain::output == lo::shape{1, 2, 1});
  CHECK(respond<plain>({1, 10, 100, 1000}, {0.5}, {1, 2, 3, 4, 5, 6}) == std::vector<double>{5421.5, 6532.5});
  using padded = lo::network<lo::image<2, 3, 1>, lo::conv2d<1, 2, lo::stride<2>, lo::padding<1>, lo::no_bias>>;
  CHECK(padded::output == lo::shape{2, 2, 1});
  CHECK(respond<padded>({1, 10, 100, 1000}, {}, {1, 2, 3, 4, 5, 6}) == std::vector<double>{1000, 3200, 40, 65});
}

TEST_CASE("conv2d: a kernel, stride, padding and dilation of its own along each axis, by hand") {
  // 1 2 3 4      kernel  1 10 100
  // 5 6 7 8
  using row = lo::network<lo::image<2, 4, 1>, lo::conv2d<1, lo::kernel_size<1, 3>, lo::padding<0, 1>, lo::no_bias>>;
  CHECK(row::output == lo::shape{2, 4, 1});
  CHECK(respond<row>({1, 10, 100}, {}, {1, 2, 3, 4, 5, 6, 7, 8}) ==
        std::vector<double>{210, 321, 432, 43, 650, 765, 876, 87});
  // The same kernel upright, over rows 0, 1 and 2 of which the first and last are padding.
  using column = lo::network<lo::image<2, 4, 1>,
                             lo::conv2d<1, lo::kernel_size<3, 1>, lo::padding<1, 0>, lo::stride<1, 3>, lo::no_bias>>;
  CHECK(column::output == lo::shape{2, 2, 1});
  CHECK(respond<column>({1, 10, 100}, {}, {1, 2, 3, 4, 5, 6, 7, 8}) == std::vector<double>{510, 840, 51, 84});
  using spread = lo::network<lo::image<2, 4, 1>, lo::conv2d<1, 2, lo::dilation<1, 3>, lo::no_bias>>;
  CHECK(spread::output == lo::shape{1, 1, 1});
  CHECK(respond<spread>({1, 10, 100, 1000}, {}, {1, 2, 3, 4, 5, 6, 7, 8}) == std::vector<double>{8541});
}

TEST_CASE("conv2d: channels last in images and in weights") {
  // 1 x 2 pixels of 2 channels, kernel 1 with 2 units.
  using net = lo::network<lo::image<1, 2, 2>, lo::conv2d<2, 1, lo::no_bias>>;
  CHECK(respond<net>({1, 10, 100, 1000}, {}, {1, 2, 3, 4}) == std::vector<double>{21, 2100, 43, 4300});
}

TEST_CASE("conv2d: groups are convolutions side by side, in their output and in what they learn") {
  check_groups<lo::rule::local<lo::rule::oja, lo::rule::unguarded>>();
  check_groups<lo::rule::covariance>();
}

TEST_CASE("conv2d: a dilated kernel is a larger one with zeros between its cells") {
  const std::vector<double> x = normal(samples * 7 * 6 * 2, 1);
  const std::vector<double> w = normal(3 * 4 * 2, 2);
  std::vector<double> spread(3 * 16 * 2, 0.0);  // 2 x 2 with steps of 3 is 4 x 4
  for (std::size_t o = 0; o < 3; ++o) {
    for (std::size_t cell = 0; cell < 4; ++cell) {
      for (std::size_t c = 0; c < 2; ++c) {
        spread[(o * 16 + cell / 2 * 12 + cell % 2 * 3) * 2 + c] = w[(o * 4 + cell) * 2 + c];
      }
    }
  }
  run<lo::image<7, 6, 2>, lo::conv2d<3, 2, lo::dilation<3>, lo::stride<2>, lo::padding<1>, lo::rule::oja>> dilated(x,
                                                                                                                   w);
  run<lo::image<7, 6, 2>, lo::conv2d<3, 4, lo::stride<2>, lo::padding<1>, lo::rule::oja>> larger(x, spread);
  REQUIRE(dilated.output.size() == larger.output.size());
  for (std::size_t i = 0; i < larger.output.size(); ++i) {
    CHECK(dilated.output[i] == doctest::Approx(larger.output[i]).epsilon(1e-13));
  }
}

TEST_CASE("conv2d: parameters and extents with groups and dilation") {
  constexpr lo::operation op = lo::conv2d<8, 3, lo::groups<4>, lo::dilation<2>>::describe({10, 9, 12});
  static_assert(op.problem == lo::misfit::none);
  CHECK(op.out == lo::shape{6, 5, 8});
  CHECK(op.map().inputs() == 27);
  CHECK(op.map().seen() == 108);
  CHECK(op.parameters == 8 * 27 + 8);
  static_assert(lo::conv2d<8, 3, lo::groups<3>>::describe({10, 9, 12}).problem == lo::misfit::groups_do_not_divide);
  static_assert(lo::conv2d<8, 3, lo::groups<4>>::describe({10, 9, 6}).problem == lo::misfit::groups_do_not_divide);
  static_assert(lo::conv2d<8, 3, lo::dilation<0>>::describe({10, 9, 6}).problem == lo::misfit::stride_is_zero);
  static_assert(lo::conv2d<8, 3, lo::dilation<1, 0>>::describe({10, 9, 6}).problem == lo::misfit::stride_is_zero);
  static_assert(lo::conv2d<8, 3, lo::stride<1, 0>>::describe({10, 9, 6}).problem == lo::misfit::stride_is_zero);
  static_assert(lo::conv2d<8, lo::kernel_size<1, 11>>::describe({10, 11, 6}).problem == lo::misfit::none);
  static_assert(lo::conv2d<8, lo::kernel_size<11, 1>>::describe({10, 11, 6}).problem ==
                lo::misfit::window_larger_than_input);
  static_assert(lo::conv2d<8, 3, lo::dilation<5>>::describe({10, 11, 6}).problem ==
                lo::misfit::window_larger_than_input);
}
