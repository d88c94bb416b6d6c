// expect: localis::activation: a function of yours lacks its name, its value or its slope, or has one of them with
// another signature than expected.
#include <localis/backend/reference/backend.hpp>
#include <localis/layer/activation.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct cube {
  static constexpr const char* name = "cube";
  template <class T>
  constexpr T operator()(T x) const {
    return x * x * x;
  }
};

using net = lo::network<lo::vector_input<2>, lo::dense<2>, lo::activation<cube>>;

lo::model<net, lo::reference::backend<float>> model;
