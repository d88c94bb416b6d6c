// expect: hebbian_bias: this rule takes means off its input, forgets by what other units explain, or has a gate for each
// weight, of which a bias knows nothing. Use frozen_bias
#include <localis/rule/covariance.hpp>
#include <localis/rule/policy.hpp>

namespace rule = localis::rule;

static_assert(rule::local<rule::covariance, rule::hebbian_bias>::bias_type::learns);
