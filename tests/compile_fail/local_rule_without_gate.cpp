// expect: localis: this rule has no gate. Expected: template <class T> constexpr T gate(T u) const, which returns T
#include <localis/rule/policy.hpp>

namespace lo = localis;

struct my_rule {
  template <class T>
  constexpr T forget(T u) const {
    return u;
  }
};

using chosen = lo::rule::local<my_rule, lo::rule::relative_step>;
static_assert(chosen::step_type::divided_by == localis::rule::step_norm::relative);
