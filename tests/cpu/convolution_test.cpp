#include <array>
#include <cstddef>
#include <vector>

#include "linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/cpu/backend.hpp>
#include <localis/reference/backend.hpp>

namespace lo = localis;
using localis_test::check_problem;
using localis_test::problem;

namespace {

/// Windows of every size, stride, padding and dilation; channels and units that fill vectors and leave a rest; learning
/// from all rows and from some, with gates that see other responses, and with most gates 0.
std::vector<problem> problems() {
  std::vector<problem> all;
  const auto add = [&](const lo::shape& in, std::size_t units, const lo::window& field, std::size_t samples,
                       std::size_t groups = 1) {
    lo::learn_options how;
    how.unit_sums = 2;
    const std::size_t k = all.size();
    how.inputs = k % 2 == 0;
    how.sees_other = k % 3 != 0;
    how.responded = k % 4 == 1;
    if (k % 3 == 2 && units >= 8) how.active_gates = 2;
    if (k % 5 != 0) how.rows = {k % 3, 1 + k % 4};
    const lo::linear_map map{in, field.output(in, units), field, groups};
    all.push_back({map, samples, how, how.sees_other && k % 6 == 1, k % 3 != 2});
  };
  for (const std::size_t kernel : std::array<std::size_t, 4>{1, 2, 3, 5}) {
    for (const std::size_t stride : std::array<std::size_t, 3>{1, 2, 3}) {
      for (const std::size_t padding : std::array<std::size_t, 3>{0, 1, 2}) {
        add({7, 6, 3}, 4, {kernel, kernel, stride, padding}, 3);
      }
    }
  }
  for (const std::size_t units : std::array<std::size_t, 7>{1, 8, 16, 24, 33, 49, 70}) {
    add({5, 4, 2}, units, {3, 3, 1, 1}, 3);
    add({4, 4, 9}, units, {3, 3, 1, 0}, 2);
  }
  // Channels that fill an even number of cache lines, in both scalars.
  add({5, 6, 32}, 17, {3, 3, 1, 1}, 2);
  add({6, 5, 64}, 5, {3, 3, 2, 1}, 2);
  add({7, 8, 3}, 6, {3, 3, 1, 2, 2}, 2);
  add({7, 8, 32}, 6, {2, 2, 2, 1, 3}, 2);
  add({9, 8, 1}, 5, {2, 4, 1, 1}, 2);  // not a square
  add({3, 4, 5}, 4, {5, 5, 1, 2}, 2);  // a window larger than the map
  add({2, 3, 4}, 3, {3, 3, 1, 3}, 2);  // windows of padding alone
  add({2, 3, 4}, 3, {3, 3, 2, 4}, 2);
  add({7, 5, 2}, 4, {2, 2, 3, 0}, 2);  // pixels that no window sees
  add({1, 1, 6}, 9, {3, 3, 1, 1}, 5);
  for (const std::size_t inputs : std::array<std::size_t, 3>{7, 33, 6}) add({1, 1, inputs}, 9, {}, 11);  // dense
  add({6, 5, 8}, 12, {3, 3, 1, 1}, 2, 4);
  add({40, 3, 8}, 3, {3, 3, 1, 1}, 2);  // an image in several tiles, below
  add({40, 3, 8}, 3, {3, 3, 2, 1}, 2);
  add({3, 2, 4}, 5, {3, 3, 1, 1}, 31);  // many images in a tile
  // More rows left out than one image has.
  add({3, 3, 4}, 6, {3, 3, 1, 1}, 4);
  all.back().how.rows = {5, 11};
  return all;
}

}  // namespace

TEST_CASE("convolution: the reference computes what the definitions say") {
  for (const problem& in : problems()) check_problem(in, lo::reference::backend<double>(), 1e-13);
}
TEST_CASE("convolution: cpu computes what the definitions say, in tiles of any size on any number of threads") {
  for (const problem& in : problems()) {
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      for (const std::size_t tile : std::array<std::size_t, 2>{1024, 262144}) {
        CAPTURE(tile);
        const lo::cpu::options how{.threads = threads, .tile_bytes = tile, .grain = 1};
        check_problem(in, lo::cpu::backend<double>(how), 1e-13);
        check_problem(in, lo::cpu::backend<float>(how), 2e-5);
      }
    }
  }
}
