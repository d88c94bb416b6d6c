#include "support/parity.hpp"

#include <doctest/doctest.h>

#include <localis/backend/thrust_host/backend.hpp>

namespace lo = localis;
using localis_test::blocks;
using localis_test::chain;
using localis_test::check_empty_margins;
using localis_test::check_parity;
using localis_test::followed;
using localis_test::grouped;
using localis_test::junctions;
using localis_test::normalized;
using localis_test::oblong;
using localis_test::pooled;
using localis_test::sequences;
using localis_test::smooth;

namespace {

/// As on a GPU: one element in a call, and a few samples at a time.
constexpr lo::thrust_host::options cut{.chunk_bytes = 20000, .stretch = 1};

}  // namespace

TEST_CASE("thrust_host<double> agrees with the reference at every boundary") {
  const lo::thrust_host::backend<double> backend(cut);
  check_parity<blocks<lo::relu>>(backend);
  check_parity<chain>(backend);
  check_parity<pooled<lo::leaky_relu>>(backend);
  check_parity<followed<lo::relu6>>(backend);
  check_parity<grouped>(backend);
  check_parity<oblong>(backend);
  check_parity<sequences>(backend);
  check_parity<junctions>(backend);
  check_parity<normalized>(backend);
  check_parity<smooth>(backend);
}
TEST_CASE("thrust_host<float> agrees with the reference at every boundary") {
  const lo::thrust_host::backend<float> backend(cut);
  check_parity<blocks<lo::tanh>>(backend);
  check_parity<chain>(backend);
  check_parity<followed<lo::tanh>>(backend);
  check_parity<smooth>(backend);
  check_parity<grouped>(backend);
  check_parity<junctions>(backend);
}
TEST_CASE("thrust_host: a competing rule leaves empty margins alone, as the reference does") {
  check_empty_margins<16>(lo::thrust_host::backend<double>(cut));
  check_empty_margins<16>(lo::thrust_host::backend<float>(cut));
}
