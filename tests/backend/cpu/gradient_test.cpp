#include "support/gradients.hpp"
#include "support/rule_cases.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>

namespace {

/// The passes are too small to wake threads for; parity_test.cpp compares thread counts.
struct cpu : localis::cpu::backend<double> {
  cpu() : localis::cpu::backend<double>({.threads = 1}) {}
};

}  // namespace

TEST_CASE("cpu: gradients of dense and conv2d by finite differences") { localis_test::check_linear_gradients<cpu>(); }
TEST_CASE("cpu: gradients of residual blocks by finite differences") { localis_test::check_block_gradients<cpu>(); }
TEST_CASE("cpu: gradients of branches by finite differences") { localis_test::check_junction_gradients<cpu>(); }
TEST_CASE("cpu: gradients of the other layers by finite differences") { localis_test::check_other_gradients<cpu>(); }

TEST_CASE("cpu: every rule's update is the formula's, and a batch's the mean of its samples'") {
  localis_test::check_rules<cpu>();
}
TEST_CASE("cpu: a convolution learns as the dense rule on its unfolded input") {
  localis_test::check_unfolded<localis::rule::hebb, cpu>();
  localis_test::check_unfolded<localis::rule::oja, cpu>();
  localis_test::check_unfolded<localis_test::cubic, cpu>();
}
