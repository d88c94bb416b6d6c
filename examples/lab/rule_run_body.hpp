#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cpu_backend.hpp"
#include "fresh_model.hpp"
#include "lab.hpp"
#include "rule_program.hpp"
#include "rule_run.hpp"
#include "settings.hpp"
#include "with_learning_rate.hpp"

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/operation.hpp>
#include <localis/model/model.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/none.hpp>
#include <localis/zoo/six_stages.hpp>

namespace examples {

template <class Rule>
void run_rule(lab& in, const rule_run& what, const Rule& value) {
  namespace rule = localis::rule;
  constexpr bool supervised = rule::supervised<Rule>;
  // A supervised rule descends on a loss of its own by plain steps; the others move the weights by a fraction of their
  // norm.
  using with_step = std::conditional_t<supervised, rule::local<Rule>, rule::local<Rule, rule::relative_step>>;
  using first = std::conditional_t<orders_units<Rule>, rule::local<rule::oja, rule::relative_step>, with_step>;
  using model = localis::model<localis::zoo::six_stages<10, with_step, first>>;

  const settings& s = in.all().chosen;
  const auto make = [&](std::uint64_t seed) {
    model fresh = fresh_model<model>(cpu_backend(s), seed);
    fresh.for_each_layer([&value](const localis::operation&, auto& layer) {
      if constexpr (requires { layer.rule() = value; }) layer.rule() = value;
    });
    return fresh;
  };
  localis::scheduler::linear boundary = s.linear;
  if (what.gradient) boundary = {.begin = 0, .last = 0};
  if constexpr (supervised) {
    const auto steps = static_cast<double>((in.all().train + s.batch - 1) / s.batch);  // of an epoch
    const auto epochs = static_cast<double>(what.options.epochs);
    const auto fraction = [rate = s.learning_rate, steps, epochs](std::size_t step) {
      return rate(static_cast<double>(step) / steps, epochs) / rate.base.rate;
    };
    in.run(what.name, what.seed, make, boundary, with_learning_rate{fraction}, what.options);
  } else {
    in.run(what.name, what.seed, make, boundary, localis::supervision::none{}, what.options);
  }
}

}  // namespace examples
