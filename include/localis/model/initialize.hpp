#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>

namespace localis {

/// The number of connections that determines the standard deviation of initial weights.
enum class fan {
  in,  ///< I, the inputs of a unit: keeps the variance of responses in the forward pass
  out  ///< units * window, the responses that use an input: keeps the variance of gradients in the backward pass
};

/// Options for initial weights that differ from a model's own, which use fan::in for all layers.
struct initialization {
  fan fan_mode = fan::in;      ///< of convolutions
  double dense_deviation = 0;  ///< standard deviation for dense layers; 0: as for convolutions
  bool zero_gamma = false;  ///< the last normalization of each residual branch starts at 0: blocks begin as identities
  std::uint64_t seed = 1;

  /// The initial weights of torchvision's resnet (with its zero_init_residual), vgg and mobilenet_v2, except for the
  /// classifier of resnet.
  [[nodiscard]] static constexpr initialization torchvision() { return {fan::out, 0.01, false, 1}; }
};

/// Draws all weights anew from a normal distribution with mean 0 and deviation sqrt(2 / fan), and sets biases to 0,
/// gamma to 1 (or 0) and beta to 0. Running statistics and states of rules do not change.
///
/// Errors: config_error unless dense_deviation is finite and >= 0.
/// Source: K. He, X. Zhang, S. Ren, J. Sun, arXiv 1502.01852 (2015); zero gamma: P. Goyal et al., arXiv 1706.02677
/// (2017).
template <class Model>
void initialize(Model& model, const initialization& options) {
  using scalar = typename Model::scalar;
  expect(is_finite(options.dense_deviation) && options.dense_deviation >= 0, "initialization: dense_deviation",
         "a finite number >= 0", options.dense_deviation);
  const std::span<const operation> all = Model::operations();
  const auto ends_branch = [&](const operation& op) {
    return std::any_of(all.begin(), all.end(),
                       [&](const operation& sum) { return sum.kind == operation_kind::add && sum.input == op.output; });
  };
  const random_stream random(options.seed, 0x696E697469616C);  // "initial"
  std::size_t index = 0;
  model.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
    if (!p.trainable()) return;
    const std::string_view name = p.name;
    std::vector<scalar> values(p.size(), scalar(0));
    if (name == "weight" && op.trainable()) {
      const linear_map map = op.map();
      const bool dense = std::string_view(op.name) == "dense";
      const std::size_t seen = options.fan_mode == fan::in ? map.inputs() : map.outputs() * map.field.positions();
      const double deviation =
          dense && options.dense_deviation > 0 ? options.dense_deviation : std::sqrt(2 / static_cast<double>(seen));
      const random_stream own = random.substream(index);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<scalar>(deviation * own.normal(i));
    } else if (name == "gamma" && !(options.zero_gamma && ends_branch(op))) {
      values.assign(p.size(), scalar(1));
    }
    model.backend().upload(std::span<const scalar>(values), p.value);
    ++index;
  });
}

}  // namespace localis
