#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>

using localis::philox;
using localis::random_stream;

static_assert(std::is_trivially_copyable_v<random_stream> && sizeof(random_stream) == 16);
static_assert(random_stream(1).uniform(5) < 1.0, "usable at compile time");

TEST_CASE("philox gives the known answers of Random123") {
  using words = std::array<std::uint32_t, 4>;
  constexpr words zero = philox::block({0, 0, 0, 0}, {0, 0});
  CHECK(zero == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox::block({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox::block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream puts index and stream into the counter and the seed into the key") {
  const random_stream random(0xa409382200000001, 0x13198a2e00000002);
  const auto expected = philox::block({7, 0x85a308d3, 2, 0x13198a2e}, {1, 0xa4093822});
  CHECK(random.words(0x85a308d300000007) == expected);
  CHECK(random.bits(0x85a308d300000007) == expected[0]);
}

TEST_CASE("uniform is from 0 to below 1, with the moments of a uniform") {
  const random_stream random(42);
  const std::uint64_t n = 100000;
  double sum = 0;
  double squares = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double u = random.uniform(i);
    REQUIRE(u >= 0.0);
    REQUIRE(u < 1.0);
    sum += u;
    squares += u * u;
  }
  const double count = static_cast<double>(n);
  CHECK(std::abs(sum / count - 0.5) < 4 * std::sqrt(1.0 / 12 / count));
  CHECK(std::abs(squares / count - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / count));
}

TEST_CASE("normal has mean 0, variance 1, no skew and the tails of a normal") {
  const random_stream random(7, 3);
  const std::uint64_t n = 100000;
  double sum = 0;
  double squares = 0;
  double cubes = 0;
  int beyond_two = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double z = random.normal(i);
    sum += z;
    squares += z * z;
    cubes += z * z * z;
    beyond_two += std::abs(z) > 2 ? 1 : 0;
  }
  const double count = static_cast<double>(n);
  CHECK(std::abs(sum / count) < 4 / std::sqrt(count));
  CHECK(std::abs(squares / count - 1) < 4 * std::sqrt(2 / count));
  CHECK(std::abs(cubes / count) < 4 * std::sqrt(15 / count));
  CHECK(std::abs(beyond_two / count - 0.0455) < 4 * std::sqrt(0.0455 / count));
}

TEST_CASE("below covers 0 to n - 1 evenly, for small and for huge n") {
  const random_stream random(11);
  std::array<int, 7> seen{};
  for (std::uint64_t i = 0; i < 70000; ++i) ++seen.at(random.integer(i, 7));
  for (const int count : seen) CHECK(std::abs(count - 10000) < 4 * 93);

  const std::uint64_t huge = 0xC000000000000000;
  double sum = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    REQUIRE(random.integer(i, huge) < huge);
    sum += static_cast<double>(random.integer(i, huge)) / static_cast<double>(huge);
  }
  CHECK(std::abs(sum / 10000 - 0.5) < 4 * 0.0029);
  CHECK(random.integer(5, 1) == 0);
  CHECK(random.integer(5, 0) == 0);
}

TEST_CASE("below is the upper half of the 128-bit product") {
  const random_stream random(3);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto w = random.words(i);
    // n = 2^63: the product is a plain shift of the 64 random bits.
    CHECK(random.integer(i, std::uint64_t{1} << 63) == (w[0] | std::uint64_t{w[1]} << 32) >> 1);
    // n = 2^64 - 1: the product exceeds (bits - 1) * 2^64 and stays below bits * 2^64.
    CHECK(random.integer(i, ~std::uint64_t{0}) == (w[0] | std::uint64_t{w[1]} << 32) - 1);
  }
}

TEST_CASE("streams, seeds and substreams differ from one another") {
  const std::vector<random_stream> streams = {random_stream(1),
                                              random_stream(2),
                                              random_stream(1, 1),
                                              random_stream(1).substream(0),
                                              random_stream(1).substream(1),
                                              random_stream(1, 1).substream(0)};
  for (std::size_t a = 0; a < streams.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      CHECK(streams[a] != streams[b]);
      CHECK(streams[a].words(0) != streams[b].words(0));
    }
  CHECK(random_stream(1).substream(4) == random_stream(1).substream(4));
}

TEST_CASE("a permutation has each number once, is the same again, and differs by seed") {
  const auto order = localis::permutation(random_stream(5), 1000);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t i = 0; i < 1000; ++i) CHECK(sorted[i] == i);
  CHECK(order != sorted);
  CHECK(order == localis::permutation(random_stream(5), 1000));
  CHECK(order != localis::permutation(random_stream(6), 1000));
  CHECK(localis::permutation(random_stream(5), 0).empty());
}

TEST_CASE("all orders of three are equally likely") {
  std::array<int, 27> seen{};
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const auto order = localis::permutation(random_stream(seed), 3);
    ++seen.at(order[0] * 9 + order[1] * 3 + order[2]);
  }
  int orders = 0;
  for (const int count : seen) {
    if (count == 0) continue;
    ++orders;
    CHECK(std::abs(count - 1000) < 4 * 29);
  }
  CHECK(orders == 6);
}

TEST_CASE("a permutation of more than 32 bits is refused") {
  CHECK_THROWS_AS(static_cast<void>(localis::permutation(random_stream(1), std::size_t{1} << 32)),
                  localis::config_error);
}
