#include <cstddef>

#include "support/extents.hpp"
#include <doctest/doctest.h>

#include <localis/core/operation.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/zoo/densenet.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;
using localis_test::check_extents;

TEST_CASE("densenet: parameters and stages") {
  check_extents<zoo::densenet121<>>(7978856, 63, 1000);
  check_extents<zoo::densenet121_32<>>(6956426, 63, 10);
}

TEST_CASE("densenet: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::densenet121_32<10, lo::rule::hebb>::highest_boundary == 62);
}

TEST_CASE("densenet: the number of copied scalars") {
  const auto copied = [](const auto& operations) {
    std::size_t sum = 0;
    for (const lo::operation& op : operations) sum += op.kind == lo::operation_kind::concatenate ? op.in.size() : 0;
    return sum;
  };
  const auto formula = [](std::size_t extent) {
    std::size_t sum = 0;
    std::size_t channels = 64;
    for (const std::size_t layers : {6U, 12U, 24U, 16U}) {
      sum += extent * extent * (layers * channels + 16 * layers * (layers + 1));
      channels = (channels + 32 * layers) / 2;
      extent /= 2;
    }
    return sum;
  };
  CHECK(copied(zoo::densenet121<>::program.operations) == 10173184);
  CHECK(formula(56) == 10173184);
  CHECK(copied(zoo::densenet121_32<>::program.operations) == 3321856);
  CHECK(formula(32) == 3321856);
}

TEST_CASE("densenet: extents on the way") {
  const auto& large = zoo::densenet121<>::program.operations;
  CHECK(large[3].out == lo::shape{56, 56, 64});
  CHECK(large[large.size() - 2].in == lo::shape{7, 7, 1024});
  const auto& small = zoo::densenet121_32<>::program.operations;
  CHECK(small[small.size() - 2].in == lo::shape{4, 4, 1024});
}
