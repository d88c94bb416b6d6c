#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/workspace.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/concept.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/layer_norm.hpp>
#include <localis/layer/leaky_relu.hpp>
#include <localis/layer/patch_norm.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/layer/relu6.hpp>
#include <localis/layer/softmax.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/layer/triangle.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

namespace {

template <class... Layers>
constexpr bool all_are_layers = (lo::layer_on<Layers, reference> && ...);
static_assert(
    all_are_layers<lo::batch_norm, lo::conv2d<4, 3>, lo::conv2d<4, 3, lo::groups<2>, lo::rule::oja>, lo::dense<4>,
                   lo::dense<4, lo::rule::oja>, lo::dense<4, lo::rule::local_error>, lo::depthwise_conv2d<3>,
                   lo::dropout, lo::instance_norm, lo::affine_instance_norm, lo::layer_norm, lo::leaky_relu,
                   lo::patch_norm<3>, lo::max_pool2d<2>, lo::average_pool2d<2>, lo::global_average_pool, lo::relu,
                   lo::relu6, lo::softmax, lo::tanh, lo::triangle>);
static_assert(!lo::layer_on<int, reference> && !lo::layer_on<lo::rule::oja, reference> &&
              !lo::layer_on<lo::image<2, 2, 2>, reference>);

/// A trainable layer of one's own, with no more than the members that a layer must have: y = w x, one weight a channel.
template <class Backend>
class scale_state : public lo::stateless {
 public:
  using scalar = typename Backend::scalar;

  scale_state(Backend& backend, const lo::operation& op, lo::random_stream)
      : weight_(backend.template allocate<scalar>(lo::memory_kind::parameters, op.in.channels)) {
    for (std::size_t c = 0; c < weight_.size(); ++c) weight_.data()[c] = static_cast<scalar>(c + 1);
  }
  [[nodiscard]] std::array<lo::parameter<scalar>, 1> parameters() const {
    return {{{"weight", weight_.size(), 1, weight_.data(), lo::parameter_role::trainable}}};
  }
  void validate() const {}
  void forward(Backend&, const lo::operation& op, const lo::operands<scalar>& arrays, lo::mode,
               const lo::step_values<scalar>&) {
    for (std::size_t i = 0; i < arrays.samples * op.in.size(); ++i) {
      arrays.output[i] = arrays.input[i] * weight_.data()[i % weight_.size()];
    }
  }
  void backward(Backend&, const lo::operation& op, const lo::operands<scalar>& arrays) {
    lo::workspace gradients(arrays.parameter_gradients);
    auto* gradient = gradients.take<scalar>(weight_.size());
    for (std::size_t c = 0; c < weight_.size(); ++c) gradient[c] = 0;
    for (std::size_t i = 0; i < arrays.samples * op.in.size(); ++i) {
      const std::size_t c = i % weight_.size();
      gradient[c] += arrays.output_gradient[i] * arrays.input[i];
      if (arrays.input_gradient != nullptr) arrays.input_gradient[i] = arrays.output_gradient[i] * weight_.data()[c];
    }
  }

 private:
  typename Backend::template array<scalar> weight_;
};

struct scale {
  static constexpr lo::operation describe(const lo::shape& in) {
    lo::operation op;
    op.name = "scale";
    op.kind = lo::operation_kind::linear;
    op.in = in;
    op.out = in;
    op.groups = in.channels;
    op.saves = lo::saved_values::input;
    op.parameters = in.channels;
    return op;
  }
  template <class Backend>
  using state = scale_state<Backend>;
};

}  // namespace

TEST_CASE("layer: a trainable one of one's own stands before a normalization, an activation and a pooling") {
  using net = lo::network<lo::image<4, 4, 2>, scale, lo::batch_norm, lo::relu, lo::max_pool2d<2>, lo::dense<3>>;
  static_assert(net::stages == 2 && net::highest_boundary == 0);
  lo::model<net, reference> model;
  model.prepare({.batch = 2});
  std::vector<double> x(2 * net::input.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i % 7) - 3;
  const std::vector<double> y = model.predict(x, 2);
  // The running statistics are 0 and 1 until a step: relu and maxima of (c + 1) x.
  const auto [weight, bias] = model.layer<4>().parameters();
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t o = 0; o < 3; ++o) {
      double expected = bias.value[o];
      for (std::size_t k = 0; k < 8; ++k) {
        const std::size_t c = k % 2;
        const std::size_t first = k / 4 * 16 + k / 2 % 2 * 4 + c;
        double most = 0;
        for (const std::size_t i : {first, first + 2, first + 8, first + 10}) {
          most = std::max(most, x[n * 32 + i] * static_cast<double>(c + 1));
        }
        expected += weight.value[o * 8 + k] * most / std::sqrt(1 + 1e-5);
      }
      CHECK(y[n * 3 + o] == doctest::Approx(expected).epsilon(1e-12));
    }
  }
  const std::vector<std::uint32_t> labels{0, 1};
  model.forward(x, 2, {});
  (void)model.loss(lo::loss::softmax_cross_entropy{}, labels);
  model.backward();
  std::size_t seen = 0;
  model.for_each_gradient([&](const lo::operation& op, const auto& p, const double*) {
    if (op.stage == 0 && op.trainable()) seen += p.size();
  });
  CHECK(seen == 2);
}
