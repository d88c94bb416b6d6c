#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/bench.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/rule/policy.hpp>

/// Two rules that are the same one, on a dense layer and on a convolution.
namespace localis_test {

/// The same number of steps of both rules, on batches of `rows`.
template <class A, class B, std::size_t Units, class Input, class Layer>
void check_same(std::size_t rows) {
  using other = typename Layer::template layer<B>;
  bench<Input, typename Layer::template layer<A>, localis::reference::backend<double>> a(rows);
  bench<Input, other, localis::reference::backend<double>> b(rows);
  const std::vector<double> start = a.copy();
  b.set(start);
  for (std::uint64_t t = 0; t < 5; ++t) {
    const std::vector<double> x = normal(rows * Input::extents.size(), 30 + t);
    a.step(x, 0.05);
    b.step(x, 0.05);
  }
  CAPTURE(rows);
  CHECK(deviation(a.weights(), b.weights()) < 1e-13);
  CHECK(deviation(a.weights(), start) > 1e-3);
}

template <std::size_t Units>
struct full {
  template <class Rule>
  using layer = localis::dense<Units, localis::no_bias, localis::rule::local<Rule, localis::rule::unguarded>>;
};
template <std::size_t Units>
struct convolution {
  template <class Rule>
  using layer = localis::conv2d<Units, 3, localis::stride<2>, localis::padding<1>,
                                localis::rule::local<Rule, localis::rule::unguarded>>;
};

}  // namespace localis_test
