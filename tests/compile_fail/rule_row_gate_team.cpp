// expect: localis: this rule's gate_row takes a team, but not every one, and would be given none. Expected: template
// <class T, class Team = math::team_of_one> constexpr void gate_row(const T* u, T* gates, std::size_t units, const
// Team& team = {}) const
#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr void gate_row(const T* u, T* gates, std::size_t units, const lo::math::team_of_one& team = {}) const {
    for (std::size_t o = team.lane(); o < units; o += team.lanes()) gates[o] = u[o];
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
