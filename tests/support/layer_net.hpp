#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>

namespace localis_test {

/// Layers that keep the number of channels, between two 1 x 1 convolutions that are the identity: their output is the
/// network's. layer<1>() is the first of them; with the boundary at 1 they lie in the prefix.
template <class Input, class... Layers>
class layer_net {
 public:
  static constexpr std::size_t channels = Input::extents.channels;
  using net = localis::network<Input, localis::conv2d<channels, 1, localis::no_bias, localis::rule::hebb>, Layers...,
                               localis::conv2d<channels, 1, localis::no_bias>>;

  localis::model<net, localis::reference::backend<double>> model;

  explicit layer_net(std::size_t batch) {
    model.prepare({.batch = batch, .normalization = localis::prefix_normalization::batch});
    model.for_each_parameter([](const localis::operation& op, const localis::parameter<double>& p) {
      if (!op.trainable()) return;
      for (std::size_t i = 0; i < p.size(); ++i) p.value[i] = i % (channels + 1) == 0 ? 1 : 0;
    });
  }
  std::vector<double> forward(const std::vector<double>& x, const localis::step_options& options = {}) {
    const auto y = model.forward(x, x.size() / net::input.size(), options);
    return {y.begin(), y.end()};
  }
  std::vector<double> predict(const std::vector<double>& x) { return model.predict(x, x.size() / net::input.size()); }
};

}  // namespace localis_test
