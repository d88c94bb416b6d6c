#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "lab.hpp"

namespace examples {

/// One run of the comparison of rules, besides its rule.
struct rule_run {
  std::string name;
  std::uint64_t seed = 1;
  bool gradient = false;  ///< all stages learn by gradient, to the end
  lab::conditions options{};
};

/// Trains zoo::six_stages with `value` as the rule before the boundary. Defined in rule_run_body.hpp, and compiled for
/// each rule in a file of its own, which CMake writes: see CMakeLists.txt.
template <class Rule>
void run_rule(lab& in, const rule_run& what, const Rule& value);

/// The gain of local steps that fall with the learning rate, as a fraction of its highest value. Learning rates are
/// asked on the host, and so is this: it is not trivially copyable.
struct with_learning_rate {
  std::function<double(std::size_t)> fraction;  ///< by step

  struct state {
    std::size_t step = 0;
  };
  void observe(state& seen, double) const { ++seen.step; }
  [[nodiscard]] double gain(const state& seen) const { return fraction(seen.step); }
};

}  // namespace examples
