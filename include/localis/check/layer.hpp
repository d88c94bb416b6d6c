#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include <localis/check/result.hpp>
#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/layer/dense.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace localis::check {

namespace detail {

/// A layer that adds a separate number to every element of every sample. The gradient of these numbers is the input
/// gradient of the next layer, element by element.
template <class Backend, std::size_t Samples>
class offset_layer : public stateless {
 public:
  using scalar = typename Backend::scalar;

  offset_layer(Backend& backend, const operation& op, random_stream)
      : values_(backend.template allocate<scalar>(memory_kind::parameters, Samples * op.in.size())) {}
  [[nodiscard]] std::array<parameter<scalar>, 1> parameters() const {
    return {{{"element", Samples, values_.size() / Samples, values_.data(), parameter_role::trainable}}};
  }
  void validate() const {}
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::add<scalar>{arrays.input, values_.data(), arrays.output, op.in.size()});
  }
  void backward(Backend& backend, const operation&, const operands<scalar>& arrays) {
    workspace gradients(arrays.parameter_gradients);
    backend.copy(arrays.output_gradient, values_.size(), gradients.take<scalar>(values_.size()));
  }

 private:
  typename Backend::template array<scalar> values_;
};

template <std::size_t Samples>
struct offset {
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = "input";
    op.kind = operation_kind::normalization;
    op.in = in;
    op.out = in;
    op.parameters = Samples * in.size();
    return op;
  }
  template <class Backend>
  using state = offset_layer<Backend, Samples>;
};

struct as_made {
  template <class Layer>
  void operator()(Layer&) const {}
};

}  // namespace detail

/// Checks a layer's backward pass against central differences of its forward pass, in double: the gradient of every
/// parameter, and of every element of its input. The layer is part of a small network, followed by a dense layer.
///
///   #include <localis/localis.hpp>
///   CHECK(check::layer<my_layer, image<6, 5, 2>>());
///   CHECK(check::layer<leaky_relu, vector_input<9>>([](auto& layer) { layer.function.leak = 0.3; }));
///
/// The difference must be at most 1e-6, relative to the largest gradient of its array (or a thousandth of the largest
/// of all arrays). Inputs differ from each other and from 0 by more than the step, because of maxima and rectifiers.
/// The best of three step sizes counts, since a kink rarely lies within the smallest.
///
/// @tparam Layer      the layer, or a block such as residual<...>; check residual<my_layer> too if my_layer is
///                    elementwise: there its input gradient must not overwrite its output gradient
/// @tparam Input      image<...> or vector_input<...>
/// @param configure   called with the layer's run-time part (in a block, that of the first operation)
/// Backend: any backend in double; the caller includes its header.
template <class Layer, class Input, class Backend = cpu::backend<double>, class Configure = detail::as_made>
[[nodiscard]] result layer(const Configure& configure = {}) {
  static_assert(std::is_same_v<typename Backend::scalar, double>,
                "localis::check::layer takes differences: its backend computes in double");
  constexpr std::size_t samples = 3;
  constexpr double tolerance = 1e-6;
  using net = network<Input, detail::offset<samples>, Layer, dense<3>>;
  model<net, Backend> m;
  configure(m.template layer<1>());
  m.validate();
  m.prepare({.batch = samples});
  Backend& backend = m.backend();

  const random_stream random(11, 0);
  const std::size_t size = samples * net::input.size();
  const std::vector<std::uint32_t> order = permutation(random, size);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = 3 * ((order[i] + 0.25) / static_cast<double>(size) - 0.5);
  std::vector<double> targets(samples * model<net, Backend>::outputs);
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = random.substream(1).normal(i);

  const auto loss = [&] {
    m.forward(x, samples, {});
    return m.loss(loss::mean_squared_error{}, {}, targets);
  };
  struct array {
    const operation* op;
    parameter<double> values;
    std::vector<double> gradient;
  };
  std::vector<array> arrays;
  m.for_each_parameter([&](const operation& op, const parameter<double>& p) {
    if (!p.trainable()) return;
    const random_stream own = random.substream(2 + arrays.size());
    std::vector<double> host(p.size());
    backend.download(p.value, std::span<double>(host));
    if (!arrays.empty()) {
      for (std::size_t i = 0; i < host.size(); ++i) host[i] += 0.3 * own.normal(i);
    }
    backend.upload(std::span<const double>(host), p.value);
    arrays.push_back({&op, p, {}});
  });
  (void)loss();
  m.backward();
  double largest_of_all = 0;
  std::size_t next = 0;
  m.for_each_gradient([&](const operation&, const parameter<double>& p, const double* gradient) {
    array& a = arrays[next++];
    a.gradient.resize(p.size());
    backend.download(gradient, std::span<double>(a.gradient));
    for (const double g : a.gradient) largest_of_all = (std::max)(largest_of_all, (std::abs)(g));
  });

  result found;
  for (const array& a : arrays) {
    double scale = 1e-3 * largest_of_all;
    for (const double g : a.gradient) scale = (std::max)(scale, (std::abs)(g));
    std::vector<double> host(a.gradient.size());
    backend.download(a.values.value, std::span<double>(host));
    for (std::size_t i = 0; i < host.size(); ++i) {
      double best = std::numeric_limits<double>::infinity();
      double slope = 0;
      for (const double step : {1e-5, 1e-6, 1e-4}) {
        const auto loss_at = [&](double value) {
          backend.upload(std::span<const double>(&value, 1), a.values.value + i);
          return loss();
        };
        const double difference = (loss_at(host[i] + step) - loss_at(host[i] - step)) / (2 * step);
        const double deviation = (std::abs)(difference - a.gradient[i]) / scale;
        if (deviation < best) {
          best = deviation;
          slope = difference;
        }
        if (best <= tolerance) break;
      }
      backend.upload(std::span<const double>(&host[i], 1), a.values.value + i);
      found.deviation = (std::max)(found.deviation, best);
      if (best <= tolerance) continue;
      found.passed = false;
      found.message = text("check::layer: ", a.op->name, " ", a.values.name, " (", i / a.values.columns, ", ",
                           i % a.values.columns, "): expected the gradient ", slope, " by differences, found ",
                           a.gradient[i], " (relative deviation ", best, ", at most ", tolerance, ")");
      return found;
    }
  }
  return found;
}

}  // namespace localis::check
