#include "support/parity.hpp"

#include <cstddef>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>

namespace lo = localis;
using cpu = lo::cpu::backend<double>;
using localis_test::array;
using localis_test::blocks;
using localis_test::chain;
using localis_test::check_empty_margins;
using localis_test::check_parity;
using localis_test::compare;
using localis_test::difference;
using localis_test::followed;
using localis_test::grouped;
using localis_test::junctions;
using localis_test::normalized;
using localis_test::oblong;
using localis_test::pooled;
using localis_test::sequences;
using localis_test::smooth;
using localis_test::trace;

namespace {

template <class Net>
void check_splitting() {
  for (const std::size_t boundary : {std::size_t{0}, Net::highest_boundary}) {
    const auto run = [&](const lo::cpu::options& options) {
      return trace<Net, cpu>(boundary, lo::prefix_normalization::running, cpu(options));
    };
    const std::vector<array> whole = run({.threads = 1, .tile_bytes = std::size_t{1} << 24});
    for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 3}) {
      for (const std::size_t tile_bytes : std::initializer_list<std::size_t>{1024, 20000}) {
        const std::vector<array> split = run({.threads = threads, .tile_bytes = tile_bytes, .grain = 1});
        const difference found = compare(split, whole);
        CAPTURE(boundary);
        CAPTURE(threads);
        CAPTURE(tile_bytes);
        CAPTURE(found.name);
        CHECK(found.largest < 1e-13);
      }
    }
  }
}

}  // namespace

TEST_CASE("cpu<double> agrees with the reference at every boundary") {
  check_parity<blocks<lo::relu>>(cpu());
  check_parity<chain>(cpu());
  check_parity<pooled<lo::leaky_relu>>(cpu());
  check_parity<followed<lo::relu6>>(cpu());
  check_parity<grouped>(cpu());
  check_parity<oblong>(cpu());
  check_parity<sequences>(cpu());
  check_parity<junctions>(cpu());
  check_parity<normalized>(cpu());
  check_parity<smooth>(cpu());
}
TEST_CASE("cpu<float> agrees with the reference at every boundary") {
  // A rectifier may fall to its other side by rounding, and its gradient with it.
  check_parity<blocks<lo::tanh>>(lo::cpu::backend<float>());
  check_parity<chain>(lo::cpu::backend<float>());
  check_parity<followed<lo::tanh>>(lo::cpu::backend<float>());
  check_parity<smooth>(lo::cpu::backend<float>());
  check_parity<grouped>(lo::cpu::backend<float>());
  check_parity<junctions>(lo::cpu::backend<float>());
}
TEST_CASE("cpu: splitting over tiles and threads changes nothing beyond rounding") {
  check_splitting<blocks<lo::relu>>();
  check_splitting<chain>();
  check_splitting<pooled<lo::relu6>>();
  check_splitting<followed<lo::leaky_relu>>();
  check_splitting<grouped>();
  check_splitting<oblong>();
  check_splitting<junctions>();
  check_splitting<normalized>();
  check_splitting<smooth>();
}
TEST_CASE("cpu: a competing rule leaves empty margins alone, as the reference does") {
  check_empty_margins<16>(cpu());
  check_empty_margins<7>(cpu());
  check_empty_margins<16>(lo::cpu::backend<float>());
}
