// expect: localis::model: an operation that is supervised learns from its stage's local loss; its layer's state cannot.
// Expected, as linear_layer has: compute_local_gradient, observe, learn, local_loss_scratch_bytes and
// learn_scratch_bytes
#include <cstddef>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/linear.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

struct my_dense {
  static constexpr lo::operation describe(const lo::shape& in) {
    return lo::dense<3, lo::rule::local_error>::describe(in);
  }
  template <class Backend>
  using state = lo::linear_layer<Backend, lo::rule::local<lo::rule::oja>>;
};

using net = lo::network<lo::vector_input<4>, my_dense, lo::dense<2>>;

int main() {
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 1});
  return static_cast<int>(model.read_update_statistics().clips[0]);
}
