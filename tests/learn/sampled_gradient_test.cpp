// Weight gradients from some rows of X.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/kernel/unfold.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>

namespace lo = localis;
using localis_test::deviation;
using localis_test::normal;
using sampled = lo::rule::local<lo::rule::gradient, lo::rule::sampled_rows>;

namespace {

using values = std::vector<double>;

/// n times the sum over rows first, first + n, ... of D^T X, and of D.
values textbook(const lo::linear_map& map, std::size_t samples, const values& x, const values& d, std::size_t first,
                std::size_t every) {
  values rows(map.rows(samples) * map.seen());
  for (std::size_t p = 0; p < map.rows(samples); ++p) {
    lo::kernel::unfold_row<double>(map, x.data() + p / map.out.positions() * map.in.size(), p % map.out.positions(),
                                   rows.data() + p * map.seen());
  }
  const std::size_t scale = std::min(every, map.rows(samples));
  values result(map.weights() + map.outputs(), 0.0);
  for (std::size_t p = first; p < map.rows(samples); p += every) {
    for (std::size_t o = 0; o < map.outputs(); ++o) {
      const double error = static_cast<double>(scale) * d[p * map.outputs() + o];
      const std::size_t seen = p * map.seen() + map.group_of(o) * map.inputs();
      for (std::size_t i = 0; i < map.inputs(); ++i) result[o * map.inputs() + i] += error * rows[seen + i];
      result[map.weights() + o] += error;
    }
  }
  return result;
}

/// The gradients of weights and bias in a step, and the input gradient.
template <class Layer, class Backend>
values gradients(Layer& layer, Backend& backend, const lo::operation& op, std::size_t samples, values x, values d,
                 std::uint64_t step) {
  values u(samples * op.out.size());
  values dx(x.size());
  std::vector<std::byte> scratch(layer.scratch_bytes(backend, op, samples, lo::phase::backward) + 64);
  std::vector<std::byte> forward(layer.scratch_bytes(backend, op, samples, lo::phase::train) + 64);
  std::vector<std::byte> parameters((op.map().weights() + op.map().outputs()) * sizeof(double) + 256);
  const auto aligned = [](std::vector<std::byte>& bytes) {
    return bytes.data() + (64 - reinterpret_cast<std::uintptr_t>(bytes.data()) % 64) % 64;
  };
  lo::operands<double> arrays;
  arrays.samples = samples;
  arrays.input = x.data();
  arrays.output = u.data();
  arrays.scratch = aligned(forward);
  layer.forward(backend, op, arrays, lo::mode::train, {.seed = 4, .step = step});
  arrays.output_gradient = d.data();
  arrays.input_gradient = dx.data();
  arrays.scratch = aligned(scratch);
  arrays.parameter_gradients = aligned(parameters);
  layer.backward(backend, op, arrays);
  lo::workspace taken(arrays.parameter_gradients);
  const auto* dw = taken.take<double>(op.map().weights());
  values result(dw, dw + op.map().weights());
  if (op.has_bias) {
    const auto* db = taken.take<double>(op.map().outputs());
    result.insert(result.end(), db, db + op.map().outputs());
  }
  result.insert(result.end(), dx.begin(), dx.end());
  return result;
}

template <class Layer, class Plain, class Backend>
void check_layer(const lo::shape& in, std::size_t samples, std::size_t every, std::size_t stride) {
  const lo::operation op = Layer::describe(in);
  Backend backend;
  typename Layer::template state<Backend> layer(backend, op, lo::random_stream(1, 0));
  typename Plain::template state<Backend> plain(backend, op, lo::random_stream(1, 0));
  layer.local().rows.every = every;
  const lo::linear_map map = op.map();
  const values x = normal(samples * op.in.size(), 1);
  const values d = normal(samples * op.out.size(), 2);
  values all = gradients(plain, backend, op, samples, x, d, 0);
  std::set<std::size_t> seen;
  for (std::uint64_t step = 0; step < 40; ++step) {
    const values own = gradients(layer, backend, op, samples, x, d, step);
    std::size_t fits = 0;
    for (std::size_t first = 0; first < std::min(stride, map.rows(samples)); ++first) {
      values expected = textbook(map, samples, x, d, first, stride);
      if (!op.has_bias) expected.resize(map.weights());
      expected.insert(expected.end(), all.end() - static_cast<std::ptrdiff_t>(x.size()), all.end());
      if (deviation(own, expected) > 1e-12) continue;
      ++fits;
      seen.insert(first);
    }
    CHECK(fits == 1);
  }
  CHECK(seen.size() == std::min(stride, map.rows(samples)));  // all come, so that the mean is the gradient
  layer.local().rows.every = 1;
  CHECK(gradients(layer, backend, op, samples, x, d, 3) == all);
}

template <class Backend>
void check_layers() {
  using lo::padding;
  check_layer<lo::conv2d<4, 3, padding<1>, sampled>, lo::conv2d<4, 3, padding<1>>, Backend>({5, 6, 2}, 2, 2, 5);
  check_layer<lo::conv2d<4, 3, padding<1>, sampled>, lo::conv2d<4, 3, padding<1>>, Backend>({7, 7, 3}, 3, 2, 2);
  check_layer<lo::conv2d<5, 1, lo::no_bias, sampled>, lo::conv2d<5, 1, lo::no_bias>, Backend>({5, 5, 3}, 2, 3, 3);
  check_layer<lo::conv2d<4, 3, lo::groups<2>, lo::stride<2>, sampled>, lo::conv2d<4, 3, lo::groups<2>, lo::stride<2>>,
              Backend>({7, 7, 4}, 2, 2, 2);
  check_layer<lo::depthwise_conv2d<3, padding<1>, sampled>, lo::depthwise_conv2d<3, padding<1>>, Backend>({5, 5, 4}, 2,
                                                                                                          2, 2);
  check_layer<lo::dense<4, sampled>, lo::dense<4>, Backend>({1, 1, 6}, 7, 3, 3);
  check_layer<lo::dense<4, sampled>, lo::dense<4>, Backend>({1, 1, 6}, 3, 100, 100);
}

}  // namespace

TEST_CASE("sampled gradient: n times the sum over every n-th row, by a textbook loop; all first rows come") {
  check_layers<lo::reference::backend<double>>();
  check_layers<lo::cpu::backend<double>>();
}

TEST_CASE("sampled gradient: the products of the weight gradient shrink, and no others") {
  using counted = lo::check::counting<lo::reference::backend<double>>;
  const auto count = [](auto type, std::size_t every) {
    using net = lo::network<lo::image<5, 5, 2>, lo::conv2d<4, 3, lo::padding<1>, typename decltype(type)::type>,
                            lo::tanh, lo::dense<3>>;
    static_assert(net::highest_boundary == 0);
    counted backend;
    lo::model<net, counted> m{{}, backend};
    if constexpr (requires { m.template layer<0>().local(); }) m.template layer<0>().local().rows.every = every;
    m.prepare({.batch = 2});
    const values x = normal(2 * 50, 1);
    m.forward(x, 2, {});
    m.loss(lo::loss::softmax_cross_entropy{}, std::vector<std::uint32_t>{0, 2});
    m.backward();
    return backend.counts();
  };
  const lo::check::multiply_adds all = count(std::type_identity<lo::rule::gradient>{}, 1);
  const lo::check::multiply_adds some = count(std::type_identity<sampled>{}, 10'000);
  CHECK(some.response == all.response);
  CHECK(some.input_gradient == all.input_gradient);
  CHECK(some.rule == 0);
  CHECK(all.weight_gradient - some.weight_gradient == (2 * 25 - 1) * 2 * 9 * 4);
}

TEST_CASE("sampled gradient: a stride of 0 is refused") {
  using net = lo::network<lo::vector_input<4>, lo::dense<3, sampled>>;
  lo::model<net, lo::reference::backend<double>> m;
  CHECK(std::string(m.operations()[0].rule) == "gradient");
  m.layer<0>().local().rows.every = 0;
  CHECK_THROWS_WITH_AS(m.validate(), "sampled_rows: every: expected at least 1, found 0", lo::config_error);
}
