#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "support/bench.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

/// What rules are tested with whose units compete for a row.
namespace localis_test {

template <std::size_t Units, class Rule>
std::array<double, Units> gates(const Rule& rule, const std::array<double, Units>& u) {
  std::array<double, Units> result{};
  result.fill(-7);
  localis::rule::gate_row(rule, 0, Units, u.data(), {}, result.data());
  return result;
}

template <class Rule, std::size_t Inputs, std::size_t Units>
using one_layer = bench<localis::vector_input<Inputs>,
                        localis::dense<Units, localis::no_bias, localis::rule::local<Rule, localis::rule::unguarded>>,
                        localis::reference::backend<double>>;

/// Two clouds of 30 points each, around +3 and -3 times a unit vector each along its own axis.
struct clouds {
  static constexpr std::size_t inputs = 4;
  static constexpr std::size_t each = 30;
  std::vector<double> x = normal(2 * each * inputs, 9);
  std::array<std::vector<double>, 2> means{std::vector<double>(inputs, 0.0), std::vector<double>(inputs, 0.0)};

  clouds() {
    for (std::size_t p = 0; p < 2 * each; ++p) {
      for (std::size_t i = 0; i < inputs; ++i) {
        double& value = x[p * inputs + i];
        value = 0.3 * value + (i == p / each ? 3 : 0);
        means[p / each][i] += value / each;
      }
    }
  }
};

/// Weights of two units, from 1 2 3 and 4 5 6, after a step of 0.5 on rows of zeros.
template <class Rule>
std::vector<double> after_empty_rows(const Rule& rule) {
  one_layer<Rule, 3, 2> one(4);
  one.layer().rule() = rule;
  one.set({1, 2, 3, 4, 5, 6});
  one.step(std::vector<double>(12, 0.0), 0.5);
  return one.copy();
}

}  // namespace localis_test
