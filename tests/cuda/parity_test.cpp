#include "../cpu/parity.hpp"

#include "backend.hpp"
#include <doctest/doctest.h>

namespace lo = localis;
using localis_test::blocks;
using localis_test::chain;
using localis_test::check_parity;
using localis_test::cuda;
using localis_test::followed;
using localis_test::grouped;
using localis_test::normalized;
using localis_test::pooled;

namespace {

constexpr lo::cuda::options small{.chunk_bytes = 20000, .workspace_bytes = 4096};

}  // namespace

TEST_CASE("cuda<double> agrees with the reference at every boundary") {
  for (const standin::mode how : {standin::mode::immediate, standin::mode::deferred}) {
    standin::reset(how, std::size_t{16} << 20);
    check_parity<blocks<lo::relu>>(cuda<double>(small));
    check_parity<chain>(cuda<double>(small));
    check_parity<pooled<lo::leaky_relu>>(cuda<double>(small));
    check_parity<followed<lo::relu>>(cuda<double>(small));
    check_parity<grouped>(cuda<double>(small));
    check_parity<normalized>(cuda<double>(small));
    CHECK(standin::alive() == 0);
  }
}
TEST_CASE("cuda<float> agrees with the reference at every boundary") {
  standin::reset(standin::mode::deferred, std::size_t{16} << 20);
  check_parity<blocks<lo::tanh>>(cuda<float>(small));
  check_parity<chain>(cuda<float>(small));
  check_parity<followed<lo::tanh>>(cuda<float>(small));
  check_parity<grouped>(cuda<float>(small));
  CHECK(standin::alive() == 0);
}
