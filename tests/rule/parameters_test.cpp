// Values out of range, of every rule and policy: the message names the value, its range and what was found.

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>

#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/local_error.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;
using namespace lo::rule;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// What validate() says, or nothing.
template <class Value>
std::string fault(const Value& value) {
  try {
    value.validate();
  } catch (const lo::config_error& e) {
    return e.what();
  }
  return "";
}

/// `of(value)` is refused with this range for each of the bad ones, and taken for each of the good ones.
template <class Make>
void check_range(const std::string& name, const std::string& range, std::initializer_list<double> bad,
                 std::initializer_list<double> good, const Make& of) {
  for (const double value : bad) CHECK(fault(of(value)) == lo::text(name, ": expected ", range, ", found ", value));
  for (const double value : good) CHECK(fault(of(value)) == "");
}

}  // namespace

TEST_CASE("rules: parameters out of range are named") {
  check_range("hebb: decay", "a finite number >= 0", {-0.5, infinity, not_a_number}, {0, 3},
              [](double v) { return hebb{.decay = v}; });
  check_range("k_winners: winners", "at least 1", {0}, {1, 100},
              [](double v) { return k_winners{.winners = static_cast<std::size_t>(v)}; });
  check_range("soft_winner_take_all: temperature", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-3, 10},
              [](double v) { return soft_winner_take_all{.temperature = v}; });
  check_range("soft_hebb: sharpness", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-3, 10},
              [](double v) { return soft_hebb{.sharpness = v}; });
  check_range("soft_hebb: rate_power", "a finite number >= 0", {-0.1, infinity, not_a_number}, {0, 0.5, 2},
              [](double v) { return soft_hebb{.rate_power = v}; });
  check_range("krotov_hopfield: rank", "at least 2", {0, 1}, {2, 7},
              [](double v) { return krotov_hopfield{.rank = static_cast<std::size_t>(v)}; });
  check_range("krotov_hopfield: delta", "a finite number >= 0", {-0.1, infinity, not_a_number}, {0, 1},
              [](double v) { return krotov_hopfield{.delta = v}; });
  check_range("krotov_hopfield: power", "a finite number >= 1", {0, 0.9, infinity, not_a_number}, {1, 2, 3.5},
              [](double v) { return krotov_hopfield{.power = v}; });
  check_range("bcm: state_rate", "a number in (0, 1]", {0, -0.1, 1.1, infinity, not_a_number}, {1e-3, 1},
              [](double v) { return bcm{.state_rate = v}; });
  check_range("bcm: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-6, 1},
              [](double v) { return bcm{.epsilon = v}; });
  check_range("local_error: head_rate", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 1},
              [](double v) { return local_error{.head_rate = v}; });
  check_range("error_feedback: memory", "a number in [0, 1)", {-0.1, 1, infinity, not_a_number}, {0, 0.999},
              [](double v) { return error_feedback{.memory = v}; });
  check_range("error_feedback: ridge", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) { return error_feedback{.ridge = v}; });
}

TEST_CASE("policies: parameters out of range are named, each by the rule that carries it") {
  using full = local<oja, clip_weights, running_normalized_signal, sampled_rows, lo::optimizer::adam>;
  check_range("local step: scale", "a finite number >= 0", {-1, infinity, not_a_number}, {0, 2}, [](double v) {
    full l;
    l.step.scale = v;
    return l;
  });
  check_range("clip_weights: limit", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-3, 5}, [](double v) {
    full l;
    l.constraint.limit = v;
    return l;
  });
  check_range("running_normalized_signal: momentum", "a number in (0, 1]", {0, -1, 1.5, not_a_number}, {0.01, 1},
              [](double v) {
                full l;
                l.signal.momentum = v;
                return l;
              });
  check_range("running_normalized_signal: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) {
                full l;
                l.signal.epsilon = v;
                return l;
              });
  check_range("sampled_rows: every", "at least 1", {0}, {1, 50}, [](double v) {
    full l;
    l.rows.every = static_cast<std::size_t>(v);
    return l;
  });
  check_range("adam: beta1", "a number in [0, 1)", {-0.1, 1, not_a_number}, {0, 0.99}, [](double v) {
    full l;
    l.optimizer.beta1 = v;
    return l;
  });
  check_range("batch_normalized_signal: epsilon", "a finite number > 0", {0, -1, infinity, not_a_number}, {1e-9, 1},
              [](double v) {
                local<oja, batch_normalized_signal> l;
                l.signal.epsilon = v;
                return l;
              });
  check_range("p_norm_rows: power", "a finite number >= 1", {0.5, 0, infinity, not_a_number}, {1, 4}, [](double v) {
    local<oja, p_norm_rows> l;
    l.constraint.power = v;
    return l;
  });
  check_range("sgd: momentum", "a number in [0, 1)", {-0.1, 1, not_a_number}, {0, 0.99}, [](double v) {
    local<oja, momentum> l;
    l.optimizer.momentum = v;
    return l;
  });
  check_range("bcm: state_rate", "a number in (0, 1]", {0}, {1}, [](double v) {
    local<bcm, unit_rows> l;
    l.rule.state_rate = v;
    return l;
  });
}

TEST_CASE("rules and policies: the model looks at all of its layers") {
  using reference = lo::reference::backend<double>;
  using net = lo::network<lo::vector_input<3>, lo::dense<4, oja>, lo::dense<4, krotov_hopfield>, lo::dense<2>>;
  lo::model<net, reference> m;
  m.validate();
  m.layer<1>().rule().rank = 1;
  CHECK_THROWS_WITH_AS(m.validate(), "krotov_hopfield: rank: expected at least 2, found 1", lo::config_error);
}
