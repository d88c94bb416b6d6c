#pragma once

#include <cstddef>
#include <cstdint>
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

}  // namespace examples
