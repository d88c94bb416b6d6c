#include <array>
#include <cstddef>

#include "support/distance.hpp"
#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>

namespace lo = localis;
using localis_test::problem;

namespace {

problem dense(std::size_t inputs, std::size_t units, std::size_t samples, std::size_t variant) {
  lo::learn_options options;
  options.unit_sums = 2;
  options.sums_inputs = variant % 2 == 0;
  if (variant % 3 == 1) options.signal = lo::gate_signal::transformed;
  if (variant % 3 == 2) options.signal = lo::gate_signal::reweighted;
  options.response_is_given = variant % 4 == 3;
  if (variant % 4 == 2 && units >= 8) options.active_gates = 2;
  if (variant % 5 == 0 && samples > 2) options.rows = {1, 2};
  return {{{1, 1, inputs}, {1, 1, units}, {}, 1}, samples, options, variant % 2 == 1};
}

}  // namespace

TEST_CASE("dense: cpu computes what the definitions say, for every extent and number of threads") {
  std::size_t variant = 0;
  for (const std::size_t inputs : std::array<std::size_t, 4>{1, 47, 129, 300}) {
    for (const std::size_t units : std::array<std::size_t, 4>{1, 10, 33, 70}) {
      for (const std::size_t samples : std::array<std::size_t, 4>{1, 3, 18, 75}) {
        const problem in = dense(inputs, units, samples, variant);
        const lo::cpu::options how{.threads = 1 + variant % 4, .grain = 1};
        ++variant;
        CAPTURE(how.threads);
        localis_test::check_problem(in, lo::cpu::backend<double>(how), 1e-13);
        localis_test::check_problem(in, lo::cpu::backend<float>(how), 2e-5);
      }
    }
  }
}

TEST_CASE("dense: rounding errors do not grow with the number of terms") {
  const problem in = dense(4608, 10, 40, 0);
  const localis_test::results exact = run(in, lo::cpu::backend<double>());
  const localis_test::results found = run(in, lo::cpu::backend<float>());
  CHECK(localis_test::distance(found.u, exact.u) < 4e-7);  // a single sum of 4608 terms: 1e-6
  const problem back = dense(10, 4608, 40, 0);
  const localis_test::results exact_back = run(back, lo::cpu::backend<double>());
  const localis_test::results found_back = run(back, lo::cpu::backend<float>());
  CHECK(localis_test::distance(found_back.input_gradient, exact_back.input_gradient) < 4e-7);
}
