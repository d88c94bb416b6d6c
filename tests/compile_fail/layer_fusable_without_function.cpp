// expect: localis::model: an operation that is fusable as an activation is one; its layer's state has no such
// member.
#include <array>
#include <cstddef>

#include <localis/backend/reference/backend.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

template <class Backend>
class twice_state {
 public:
  using scalar = typename Backend::scalar;

  twice_state(Backend&, const lo::operation&, lo::random_stream) {}
  [[nodiscard]] std::array<lo::parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {}
  static constexpr std::size_t saved(const lo::operation&) { return 0; }
  static std::size_t scratch_bytes(const Backend&, const lo::operation&, std::size_t, lo::phase) { return 0; }
  void forward(Backend& backend, const lo::operation& op, const lo::operands<scalar>& arrays, lo::mode,
               const lo::step_values<scalar>&) {
    backend.for_rows(arrays.samples, op.in.size(),
                     lo::kernel::add<scalar>{arrays.input, arrays.input, arrays.output, op.in.size()});
  }
  void backward(Backend& backend, const lo::operation& op, const lo::operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    const scalar* given = arrays.output_gradient;
    backend.for_rows(arrays.samples, op.in.size(),
                     lo::kernel::add<scalar>{given, given, arrays.input_gradient, op.in.size()});
  }
};

struct twice {
  static constexpr lo::operation describe(const lo::shape& in) {
    lo::operation op;
    op.name = "twice";
    op.in = in;
    op.out = in;
    op.elementwise = true;
    op.fusable_as = lo::fusion::activation;
    return op;
  }
  template <class Backend>
  using state = twice_state<Backend>;
};

using net = lo::network<lo::vector_input<4>, lo::dense<3>, twice, lo::dense<2>>;

int main() {
  const std::array<double, 4> features{};
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 1});
  model.forward(features, 1, {});
  model.backward();
}
