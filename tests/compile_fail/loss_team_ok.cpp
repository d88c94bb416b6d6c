#include <cstddef>
#include <cstdint>
#include <vector>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/loss/loss.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;

struct hinge {
  template <class T, class Team = lo::math::team_of_one>
  constexpr T sample(const T* output, std::size_t size, const lo::loss::target<T>& wanted, T* gradient, T scale,
                     const Team& team = {}) const {
    T sum = 0;
    for (std::size_t k = team.lane(); k < size; k += team.lanes()) {
      const T side = k == wanted.label ? T(1) : T(-1);
      const T miss = T(1) - side * output[k];
      gradient[k] = miss > T(0) ? -scale * side : T(0);
      if (miss > T(0)) sum += miss;
    }
    return team.sum(sum);
  }
};

using net = lo::network<lo::vector_input<2>, lo::dense<2>>;

double compute_loss(lo::model<net, lo::reference::backend<float>>& model, const std::vector<std::uint32_t>& labels) {
  return model.loss(hinge{}, labels);
}
