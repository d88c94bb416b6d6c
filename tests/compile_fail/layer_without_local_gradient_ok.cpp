#include <cstddef>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/linear.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;

struct my_dense {
  static constexpr lo::operation describe(const lo::shape& in) {
    return lo::dense<3, lo::rule::local_error>::describe(in);
  }
  template <class Backend>
  using state = lo::linear_layer<Backend, lo::rule::local<lo::rule::local_error>>;
};

using net = lo::network<lo::vector_input<4>, my_dense, lo::dense<2>>;

int main() {
  lo::model<net, lo::reference::backend<double>> model;
  model.prepare({.batch = 1});
  return static_cast<int>(model.read_update_statistics().clips[0]);
}
