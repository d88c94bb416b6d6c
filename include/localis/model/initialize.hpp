#pragma once

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

/// What a weight's deviation is taken from.
enum class fan {
  in,  ///< I, what a unit sees: keeps the variance of responses on the way forward
  out  ///< units * window, what sees an input: keeps the variance of gradients on the way back
};

/// Initial weights other than a model's own (which are fan::in for all layers).
struct initialization {
  fan fan_mode = fan::in;      ///< of convolutions
  double dense_deviation = 0;  ///< of dense layers; 0: as convolutions
  bool zero_gamma = false;  ///< the last normalization of each residual branch starts at 0: blocks begin as identities
  std::uint64_t seed = 1;

  /// As torchvision starts resnet (with its zero_init_residual), vgg and mobilenet_v2, but for resnet's classifier.
  [[nodiscard]] static constexpr initialization torchvision() { return {fan::out, 0.01, false, 1}; }
};

/// Draws all weights anew: normal, mean 0, deviation sqrt(2 / fan); biases 0, gamma 1 (or 0), beta 0. Statistics and
/// states of rules stay.
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
    const std::size_t next = static_cast<std::size_t>(&op - all.data()) + 1;
    return next < all.size() && all[next].kind == operation_kind::shortcut;
  };
  const random_stream random(options.seed, 0x696E697469616C);  // "initial"
  std::size_t index = 0;
  model.for_each_parameter([&](const operation& op, const parameter<scalar>& p) {
    if (!p.trainable) return;
    const std::string_view name = p.name;
    std::vector<scalar> values(p.size(), scalar(0));
    if (name == "weight" && op.trainable()) {
      const linear_map map = op.map();
      const bool dense = map.field.positions() == 1 && map.in.positions() == 1;
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
