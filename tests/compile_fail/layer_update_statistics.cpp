// expect: localis::model: an optional member of a layer's state that learns locally has another signature than
// expected, or lacks its other half, and would be skipped. Expected, as linear_layer has: const double*
// update_statistics() const
#include <cstddef>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/linear.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

template <class Backend>
class my_state : public lo::linear_layer<Backend, lo::rule::local<lo::rule::oja>> {
 public:
  using base = lo::linear_layer<Backend, lo::rule::local<lo::rule::oja>>;
  using base::base;
  [[nodiscard]] double update_statistics() const { return 0; }
};

struct my_dense {
  static constexpr lo::operation describe(const lo::shape& in) { return lo::dense<3, lo::rule::oja>::describe(in); }
  template <class Backend>
  using state = my_state<Backend>;
};

using net = lo::network<lo::vector_input<4>, my_dense, lo::dense<2>>;

int main() {
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 1});
  return static_cast<int>(model.read_update_statistics().clips[0]);
}
