#include "support/parity.hpp"

#include "backend.hpp"
#include <doctest/doctest.h>

namespace lo = localis;
using localis_test::blocks;
using localis_test::chain;
using localis_test::check_empty_margins;
using localis_test::check_parity;
using localis_test::followed;
using localis_test::gpu;
using localis_test::grouped;
using localis_test::junctions;
using localis_test::normalized;
using localis_test::oblong;
using localis_test::pooled;
using localis_test::sequences;
using localis_test::small;
using localis_test::smooth;

TEST_CASE("cuda<double> agrees with the reference at every boundary") {
  localis_test::on_device([] {
    check_parity<blocks<lo::relu>>(gpu<double>(small));
    check_parity<chain>(gpu<double>(small));
    check_parity<pooled<lo::leaky_relu>>(gpu<double>(small));
    check_parity<followed<lo::relu6>>(gpu<double>(small));
    check_parity<grouped>(gpu<double>(small));
    check_parity<oblong>(gpu<double>(small));
    check_parity<sequences>(gpu<double>(small));
    check_parity<junctions>(gpu<double>(small));
    check_parity<normalized>(gpu<double>(small));
    check_parity<smooth>(gpu<double>(small));
  });
}
TEST_CASE("cuda<float> agrees with the reference at every boundary") {
  localis_test::on_device([] {
    check_parity<blocks<lo::tanh>>(gpu<float>(small));
    check_parity<chain>(gpu<float>(small));
    check_parity<followed<lo::tanh>>(gpu<float>(small));
    check_parity<smooth>(gpu<float>(small));
    check_parity<grouped>(gpu<float>(small));
    check_parity<junctions>(gpu<float>(small));
  });
}
TEST_CASE("cuda: a competing rule leaves empty margins alone, as the reference does") {
  localis_test::on_device([] {
    check_empty_margins<16>(gpu<double>(small));
    check_empty_margins<16>(gpu<float>(small));
  });
}
