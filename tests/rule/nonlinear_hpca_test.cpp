#include <cmath>

#include "support/same_rule.hpp"
#include "support/squash.hpp"
#include <doctest/doctest.h>

#include <localis/rule/nonlinear_hpca.hpp>
#include <localis/rule/sanger.hpp>

namespace lo = localis;
using lo::rule::nonlinear_hpca;
using lo::rule::sanger;
using localis_test::check_same;
using localis_test::convolution;
using localis_test::full;
using localis_test::squash;

namespace {

struct same {
  template <class T>
  constexpr T operator()(T u) const {
    return u;
  }
};

}  // namespace

TEST_CASE("nonlinear_hpca: its gate is the function of the response, of the identity it is sanger") {
  CHECK(nonlinear_hpca<squash>{}.gate(0.7) == std::tanh(0.7));
  check_same<nonlinear_hpca<same>, sanger, 4, lo::vector_input<6>, full<4>>(9);
  check_same<nonlinear_hpca<same>, sanger, 4, lo::image<6, 5, 2>, convolution<4>>(3);
}
