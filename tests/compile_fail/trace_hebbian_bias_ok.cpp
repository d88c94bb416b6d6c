#include <localis/rule/hebb.hpp>
#include <localis/rule/policy.hpp>

namespace rule = localis::rule;

static_assert(rule::local<rule::hebb, rule::eligibility_trace, rule::frozen_bias>::trace_type::is_kept);
