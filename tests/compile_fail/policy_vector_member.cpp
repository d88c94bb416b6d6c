// expect: localis: a policy in rule::local<Rule, Policies...> must be a plain value: trivially copyable and default
// constructible
#include <vector>

#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace rule = localis::rule;

struct limits {
  std::vector<double> most;
  template <class T>
  constexpr void apply(T* row, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) row[i] = row[i] > T(1) ? T(1) : row[i];
  }
};

static_assert(rule::local<rule::oja, limits>::step_type::divided_by == rule::step_norm::none);
