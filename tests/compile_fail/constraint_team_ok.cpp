#include <cstddef>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;

struct positive {
  template <class T, class Team = lo::math::team_of_one>
  constexpr void apply(T* row, std::size_t size, const Team& team = {}) const {
    for (std::size_t i = team.lane(); i < size; i += team.lanes()) row[i] = row[i] < T(0) ? T(0) : row[i];
  }
};

using net = lo::network<lo::vector_input<2>, lo::dense<4, lo::rule::local<lo::rule::oja, positive>>, lo::dense<2>>;

lo::model<net, lo::reference::backend<float>> model;
