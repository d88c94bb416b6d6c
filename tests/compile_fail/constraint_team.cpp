// expect: localis: this constraint's apply takes a team, but not every one, and would be given none. Expected: template
// <class T, class Team = math::team_of_one> constexpr void apply(T* row, std::size_t size, const Team& team = {}) const
#include <cstddef>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/dense.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>

namespace lo = localis;

struct positive {
  template <class T>
  constexpr void apply(T* row, std::size_t size, const lo::math::team_of_one& team = {}) const {
    for (std::size_t i = team.lane(); i < size; i += team.lanes()) row[i] = row[i] < T(0) ? T(0) : row[i];
  }
};

using net = lo::network<lo::vector_input<2>, lo::dense<4, lo::rule::local<lo::rule::oja, positive>>, lo::dense<2>>;

lo::model<net, lo::reference::backend<float>> model;
