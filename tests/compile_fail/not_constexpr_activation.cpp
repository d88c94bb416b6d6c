// expect: localis: activation function: operator()
#include <cmath>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/activation.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct softplus {
  static constexpr const char* name = "softplus";
  template <class T>
  T operator()(T x) const {
    return std::log1p(std::exp(x));
  }
  template <class T>
  constexpr T slope(T y) const {
    return T(1) - std::exp(-y);
  }
};

using net = lo::network<lo::vector_input<2>, lo::dense<2>, lo::activation<softplus>>;

lo::model<net, lo::reference::backend<float>> model;
