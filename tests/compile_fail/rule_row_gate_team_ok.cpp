#include <localis/layer/dense.hpp>

namespace lo = localis;

struct my_rule {
  template <class T, class Team = lo::math::team_of_one>
  constexpr void gate_row(const T* u, T* gates, std::size_t units, const Team& team = {}) const {
    for (std::size_t o = team.lane(); o < units; o += team.lanes()) gates[o] = u[o];
  }
};

static_assert(lo::dense<4, my_rule>::describe({1, 1, 2}).out.channels == 4);
