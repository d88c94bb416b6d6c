// expect: localis: optimizer: step's operator()
#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/train/gradient_descent.hpp>

namespace lo = localis;

struct sign_descent {
  template <class T>
  struct step {
    static constexpr std::size_t state_arrays = 0;
    T operator()(T, T gradient, std::array<T, 0>&, T rate) const { return gradient < T(0) ? rate : -rate; }
  };
  template <class T>
  constexpr step<T> prepare(std::size_t) const {
    return {};
  }
  void validate() const {}
};

using net = lo::network<lo::vector_input<2>, lo::dense<2>>;

lo::model<net, lo::reference::backend<float>> model;
lo::gradient_descent descent{model, sign_descent{}};
