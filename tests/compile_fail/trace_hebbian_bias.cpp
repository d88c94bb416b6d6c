// expect: a trace holds directions of weights from several steps. It has no scale for fail_on_negative_scale to guard,
// and none for hebbian_bias to learn with. Use frozen_bias, and no guard
#include <localis/rule/hebb.hpp>
#include <localis/rule/policy.hpp>

namespace rule = localis::rule;

static_assert(rule::local<rule::hebb, rule::eligibility_trace, rule::hebbian_bias>::trace_type::is_kept);
