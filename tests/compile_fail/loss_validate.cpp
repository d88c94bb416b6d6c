// expect: localis: an optional member of your loss has another signature than expected
#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct my_loss {
  template <class T>
  constexpr T sample(const T*, std::size_t, const lo::loss::target<T>&, T*, T) const {
    return 0;
  }
  void validate() {}
};

double loss(lo::model<lo::network<lo::vector_input<4>, lo::dense<2>>, lo::reference::backend<double>>& model) {
  return model.loss(my_loss{}, {});
}
