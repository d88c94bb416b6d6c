#pragma once

// Networks in which every layer and kind of rule learns before the boundary, and three steps of each on two backends.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv1d.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/elu.hpp>
#include <localis/layer/gelu.hpp>
#include <localis/layer/group_norm.hpp>
#include <localis/layer/hard_swish.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/layer_norm.hpp>
#include <localis/layer/leaky_relu.hpp>
#include <localis/layer/patch_norm.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/pool1d.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/residual.hpp>
#include <localis/layer/sigmoid.hpp>
#include <localis/layer/silu.hpp>
#include <localis/layer/softmax.hpp>
#include <localis/layer/softplus.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/layer/triangle.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/covariance.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/k_winners.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/subspace.hpp>
#include <localis/train/gradient_descent.hpp>

namespace localis_test {

namespace lo = localis;
using oja = lo::rule::oja;

/// Largest difference from the reference in double, relative to the largest value of the array, after three steps.
template <class T>
inline constexpr double tolerance = 0;
template <>
inline constexpr double tolerance<double> = 1e-13;
template <>
inline constexpr double tolerance<float> = 1e-4;

struct cubic {
  template <class T>
  constexpr T gate(T u) const {
    return T(0.1) * u * u * u;
  }
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
};

template <class Activation>
using blocks =
    lo::network<lo::image<9, 7, 3>, lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm, Activation,
                lo::residual<lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm, Activation,
                             lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm>,
                Activation,
                lo::residual<lo::shortcut<lo::conv2d<12, 1, lo::stride<2>, lo::no_bias, oja>, lo::batch_norm>,
                             lo::conv2d<12, 3, lo::stride<2>, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm>,
                Activation, lo::max_pool2d<3, lo::stride<2>, lo::padding<1>>,
                lo::dense<10, lo::rule::local<lo::rule::hebb, lo::rule::relative_step>>, lo::relu, lo::dense<5>>;

using chain =
    lo::network<lo::image<8, 8, 2>,
                lo::conv2d<6, 5, lo::stride<2>, lo::padding<2>,
                           lo::rule::local<cubic, lo::rule::relative_step, lo::rule::unit_rows, lo::rule::momentum>>,
                lo::tanh, lo::average_pool2d<3, lo::stride<1>, lo::padding<1>>, lo::conv2d<7, 2, lo::rule::hebb>,
                lo::leaky_relu, lo::max_pool2d<2, lo::stride<1>>,
                lo::conv2d<8, 1, lo::rule::local<oja, lo::rule::momentum>>, lo::tanh, lo::global_average_pool,
                lo::dropout, lo::dense<4, oja>, lo::tanh, lo::dense<3>>;

/// Groups and dilation, more units than channels in a depthwise one, 1 x 1 in groups.
using grouped = lo::network<
    lo::image<9, 8, 4>, lo::conv2d<12, 3, lo::groups<2>, lo::padding<1>, oja>, lo::tanh,
    lo::conv2d<18, 3, lo::groups<6>, lo::dilation<2>, lo::padding<2>, lo::rule::covariance>, lo::tanh,
    lo::conv2d<12, 1, lo::groups<3>, lo::rule::local<oja, lo::rule::sampled_rows, lo::rule::running_normalized_signal>>,
    lo::tanh, lo::conv2d<24, 2, lo::groups<12>, lo::stride<2>, lo::rule::local<oja, lo::rule::hebbian_bias>>, lo::tanh,
    lo::depthwise_conv2d<3, lo::dilation<2>, lo::padding<2>, oja>, lo::tanh, lo::dense<3>>;

/// Windows, strides, paddings and dilations that differ along height and width.
using oblong =
    lo::network<lo::image<9, 12, 3>, lo::conv2d<8, lo::kernel_size<1, 5>, lo::stride<1, 2>, lo::padding<0, 2>, oja>,
                lo::tanh, lo::average_pool2d<lo::kernel_size<2, 1>, lo::stride<1>, lo::padding<1, 0>>,
                lo::conv2d<6, lo::kernel_size<3, 2>, lo::dilation<1, 2>, lo::padding<1, 0>, lo::rule::hebb>, lo::tanh,
                lo::max_pool2d<lo::kernel_size<1, 2>, lo::stride<2, 1>>,
                lo::depthwise_conv2d<lo::kernel_size<3, 2>, lo::stride<2, 1>, lo::padding<0, 1>, oja>, lo::tanh,
                lo::dense<3>>;

using sequences =
    lo::network<lo::signal_input<40, 3>, lo::conv1d<8, 5, lo::padding<2>, lo::no_bias, oja>, lo::batch_norm, lo::tanh,
                lo::max_pool1d<2>, lo::conv1d<12, 3, lo::dilation<2>, lo::stride<2>, lo::groups<2>, oja>, lo::tanh,
                lo::average_pool1d<3, lo::stride<1>, lo::padding<1>>, lo::dense<5, oja>, lo::tanh, lo::dense<3>>;

using normalized = lo::network<lo::image<7, 6, 2>, lo::patch_norm<3>, lo::conv2d<6, 3, lo::no_bias, oja>,
                               lo::instance_norm, lo::triangle, lo::conv2d<5, 2, lo::no_bias, lo::rule::hebb>,
                               lo::affine_instance_norm, lo::tanh, lo::layer_norm, lo::softmax, lo::conv2d<6, 1, oja>,
                               lo::group_norm<2>, lo::tanh, lo::dense<6, oja>, lo::layer_norm, lo::dense<3>>;

/// Smooth activations, whose slopes are functions of the output or of the input: behind a normalization, behind other
/// layers and one after the other.
using smooth =
    lo::network<lo::image<7, 6, 3>, lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm, lo::gelu,
                lo::sigmoid, lo::residual<lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm, lo::silu>,
                lo::hard_swish, lo::max_pool2d<2>, lo::conv2d<6, 2, lo::no_bias, oja>, lo::batch_norm, lo::hard_swish,
                lo::elu, lo::conv2d<5, 1, oja>, lo::softplus, lo::gelu, lo::dense<7, oja>, lo::silu, lo::dense<3>>;

template <class Rule>
using in_small_steps = lo::rule::local<Rule, lo::rule::relative_step>;

/// Branches that are concatenated, added and multiplied, within each other too.
using small_oja = in_small_steps<oja>;
using junctions = lo::network<
    lo::image<9, 7, 3>, lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, small_oja>, lo::batch_norm, lo::tanh,
    lo::concatenated<
        lo::branch<>, lo::branch<lo::batch_norm, lo::tanh, lo::conv2d<4, 3, lo::padding<1>, lo::no_bias, small_oja>>,
        lo::branch<lo::max_pool2d<3, lo::stride<1>, lo::padding<1>>, lo::conv2d<3, 1, small_oja>, lo::tanh>>,
    lo::batch_norm, lo::tanh,
    lo::residual<lo::conv2d<6, 1, lo::no_bias, small_oja>, lo::batch_norm, lo::tanh,
                 lo::multiplied<lo::branch<>, lo::branch<lo::global_average_pool, lo::dense<4, small_oja>, lo::tanh,
                                                         lo::dense<6, small_oja>, lo::tanh>>,
                 lo::conv2d<15, 1, lo::no_bias, small_oja>, lo::batch_norm>,
    lo::tanh,
    lo::added<lo::branch<lo::conv2d<6, 1, lo::no_bias, small_oja>, lo::batch_norm>,
              lo::branch<lo::conv2d<6, 3, lo::padding<1>, small_oja>, lo::tanh>,
              lo::branch<lo::multiplied<lo::branch<lo::conv2d<6, 1, small_oja>>,
                                        lo::branch<lo::conv2d<6, 1, small_oja>, lo::tanh>>>>,
    lo::tanh, lo::average_pool2d<2>, lo::dense<5>>;

/// What one pass does where nothing is kept: normalization, activation and pooling behind convolutions, over extents
/// that leave a rest.
template <class Activation>
using pooled =
    lo::network<lo::image<39, 26, 3>, lo::conv2d<8, 3, lo::padding<1>, lo::no_bias, oja>, lo::batch_norm, Activation,
                lo::max_pool2d<2>, lo::conv2d<9, 3, lo::padding<1>, lo::no_bias, lo::rule::k_winners>, lo::batch_norm,
                lo::max_pool2d<3>, lo::tanh,
                lo::conv2d<12, 3, lo::padding<1>, lo::no_bias,
                           lo::rule::local<oja, lo::rule::sampled_rows, lo::rule::running_normalized_signal>>,
                lo::batch_norm, Activation,
                lo::conv2d<6, 3, lo::padding<1>, lo::no_bias, in_small_steps<lo::rule::subspace>>, lo::batch_norm,
                Activation, lo::max_pool2d<2>, lo::dense<3>>;

/// The same behind other layers.
template <class Activation>
using followed =
    lo::network<lo::image<9, 7, 6>, lo::conv2d<8, 1, lo::no_bias, in_small_steps<oja>>, lo::batch_norm, Activation,
                lo::max_pool2d<2>, lo::tanh, lo::depthwise_conv2d<3, lo::padding<1>, lo::no_bias, in_small_steps<oja>>,
                lo::batch_norm, Activation, lo::conv2d<12, 3, lo::groups<2>, lo::no_bias, in_small_steps<oja>>,
                lo::batch_norm, Activation, lo::tanh, lo::dense<5, lo::no_bias, in_small_steps<oja>>, lo::batch_norm,
                Activation, lo::tanh, lo::dense<3>>;

inline constexpr std::size_t batch = 16;

struct array {
  std::string name;
  std::vector<double> values;
};

/// Three steps of two batch sizes from one seed: outputs, losses, gradients, and in the end every parameter.
template <class Net, class Backend>
std::vector<array> trace(std::size_t boundary, lo::prefix_normalization normalization,
                         const Backend& backend = Backend()) {
  using scalar = typename Backend::scalar;
  lo::model<Net, Backend> model{{.seed = 9}, backend};
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  model.prepare({.batch = batch, .normalization = normalization});
  std::vector<array> result;
  const auto keep = [&](const std::string& name, const scalar* values, std::size_t size) {
    std::vector<scalar> host(size);
    backend.download(values, std::span<scalar>(host));
    result.push_back({name, {host.begin(), host.end()}});
  };
  for (std::uint64_t step = 0; step < 3; ++step) {
    const std::size_t samples = step == 1 ? 11 : batch;
    const lo::random_stream random(23, step);
    std::vector<scalar> x(samples * Net::input.size());
    std::vector<std::uint32_t> labels(samples);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<scalar>(random.normal(i));
    for (std::size_t n = 0; n < samples; ++n) labels[n] = static_cast<std::uint32_t>(n % Net::output.size());
    const auto y = model.forward(
        x, samples,
        {.boundary = boundary, .local_rate = 0.01, .gain = 1.5, .normalization = normalization, .step = step});
    keep("output", y.data(), y.size());
    const double loss = model.loss(lo::loss::softmax_cross_entropy{}, labels);
    result.push_back({"loss", {loss}});
    model.backward();
    model.for_each_gradient([&](const lo::operation& op, const lo::parameter<scalar>& p, const scalar* g) {
      keep(std::string("gradient of ") + op.name + " " + p.name, g, p.size());
    });
    descent.step(0.02);
    const auto prediction = model.predict(x, samples);
    result.push_back({"prediction", {prediction.begin(), prediction.end()}});
  }
  model.for_each_parameter([&](const lo::operation& op, const lo::parameter<scalar>& p) {
    keep(std::string(op.name) + " " + p.name, p.value, p.size());
  });
  return result;
}

/// The largest deviation between two traces, and where.
struct difference {
  double largest = 0;
  std::string name;
};
inline difference compare(const std::vector<array>& found, const std::vector<array>& expected) {
  REQUIRE(found.size() == expected.size());
  difference worst;
  for (std::size_t k = 0; k < found.size(); ++k) {
    REQUIRE(found[k].values.size() == expected[k].values.size());
    double scale = 0;
    double deviation = 0;
    for (std::size_t i = 0; i < found[k].values.size(); ++i) {
      scale = std::max(scale, std::abs(expected[k].values[i]));
      const double d = std::abs(found[k].values[i] - expected[k].values[i]);
      deviation = d <= deviation ? deviation : d;  // NaN too
    }
    const double relative = deviation == 0 ? 0 : deviation / scale;
    if (!(relative <= worst.largest)) worst = {relative, found[k].name};
  }
  return worst;
}

template <class Net, class Backend>
void check_parity(const Backend& backend) {
  for (std::size_t boundary = 0; boundary <= Net::highest_boundary; ++boundary) {
    for (const auto normalization : {lo::prefix_normalization::running, lo::prefix_normalization::batch}) {
      const difference found = compare(trace<Net, Backend>(boundary, normalization, backend),
                                       trace<Net, lo::reference::backend<double>>(boundary, normalization));
      CAPTURE(boundary);
      CAPTURE(found.name);
      CHECK(found.largest <= tolerance<typename Backend::scalar>);
    }
  }
}

/// Pictures with empty margins: positions without a winner on all backends, in products of few gates and of all.
template <std::size_t Units, class Backend>
void check_empty_margins(const Backend& backend) {
  using net = lo::network<lo::image<8, 8, 8>,
                          lo::conv2d<Units, 3, lo::padding<1>, lo::no_bias, lo::rule::local<lo::rule::k_winners>>,
                          lo::relu, lo::dense<3>>;
  const auto run = [](auto own) {
    using scalar = typename decltype(own)::scalar;
    lo::model<net, decltype(own)> model{{.seed = 9}, own};
    model.prepare({.batch = batch});
    const auto weights = [&] {
      const auto p = model.template layer<0>().parameters()[0];
      std::vector<scalar> host(p.size());
      model.backend().download(p.value, std::span<scalar>(host));
      return std::vector<double>(host.begin(), host.end());
    };
    std::vector<scalar> x(batch * net::input.size());
    const std::vector<double> initial = weights();
    model.forward(x, batch, {.boundary = 1, .local_rate = 0.5});
    CHECK(weights() == initial);  // all of them are empty
    const lo::random_stream random(23, 0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t row = i / 64 % 8;
      const std::size_t column = i / 8 % 8;
      if (row == 3 && column > 2 && column < 6) x[i] = static_cast<scalar>(random.normal(i));
    }
    for (std::uint64_t step = 0; step < 3; ++step) {
      model.forward(x, batch, {.boundary = 1, .local_rate = 0.5, .step = step});
    }
    return weights();
  };
  const difference found = compare({{"weights", run(backend)}}, {{"weights", run(lo::reference::backend<double>())}});
  CAPTURE(Units);
  CHECK(found.largest <= tolerance<typename Backend::scalar>);
}

}  // namespace localis_test
