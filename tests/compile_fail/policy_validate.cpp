// expect: localis: validate() of a policy in rule::local<Rule, Policies...> would never be called.
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

struct halved {
  template <class T>
  constexpr void apply(T* row, std::size_t size) const {
    for (std::size_t i = 0; i < size; ++i) row[i] /= 2;
  }
  void validate() {}
};

localis::rule::local<localis::rule::oja, halved> used;
