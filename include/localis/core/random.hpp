#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>

namespace localis {

/// The counter-based generator Philox 4x32 with 10 rounds: a fixed scrambling of a 128-bit counter under a 64-bit key.
/// It has no state, so any thread may compute any number, in any order.
/// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
struct philox {
  using counter_type = std::array<std::uint32_t, 4>;
  using key_type = std::array<std::uint32_t, 2>;

  [[nodiscard]] static constexpr counter_type block(counter_type counter, key_type key) {
    constexpr std::uint64_t multiplier_0 = 0xD2511F53;
    constexpr std::uint64_t multiplier_1 = 0xCD9E8D57;
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t a = multiplier_0 * counter[0];
      const std::uint64_t b = multiplier_1 * counter[2];
      counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
                 static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
      key[0] += 0x9E3779B9;  // golden ratio
      key[1] += 0xBB67AE85;  // sqrt(3) - 1
    }
    return counter;
  }
};

/// A stream of random numbers, addressed by index: each number is a pure function of (seed, stream, index), independent
/// of the number of threads and the order of calls. A plain value of 16 bytes.
///
/// Every index owns one Philox block of 128 bits, and all the draws of that index share it: draw only once from an
/// index, or use two streams. Streams that differ in seed or stream number are independent for all practical purposes.
class random_stream {
 public:
  constexpr explicit random_stream(std::uint64_t seed = 0, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// All four independent 32-bit words of an index, for drawing in bulk.
  [[nodiscard]] constexpr std::array<std::uint32_t, 4> words(std::uint64_t index) const {
    return philox::block({low(index), high(index), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
  }

  /// 32 uniform bits.
  [[nodiscard]] constexpr std::uint32_t bits(std::uint64_t index) const { return words(index)[0]; }

  /// A uniform number in [0, 1), a multiple of 2^-53.
  [[nodiscard]] constexpr double uniform(std::uint64_t index) const {
    const auto w = words(index);
    return unit(w[0], w[1]);
  }

  /// uniform(index) as a multiple of 2^-53: an integer in [0, 2^53).
  [[nodiscard]] constexpr std::int64_t uniform_bits(std::uint64_t index) const {
    const auto w = words(index);
    return upper_bits(w[0], w[1]);
  }

  /// A standard normal number, by the method of Box and Muller from two uniform numbers of 53 bits; |value| < 8.6.
  /// Since `log` and `cos` belong to the C library, the last bit may differ from one platform to another.
  [[nodiscard]] double normal(std::uint64_t index) const {
    const auto w = words(index);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - unit(w[0], w[1])));
    return radius * std::cos(2.0 * std::numbers::pi * unit(w[2], w[3]));
  }

  /// A uniform integer in [0, n); 0 if n is 0. The probability of each value differs from 1/n by at most 2^-64.
  [[nodiscard]] constexpr std::uint64_t integer(std::uint64_t index, std::uint64_t n) const {
    const auto w = words(index);
    return high_product(join(w[0], w[1]), n);
  }

  /// A stream derived from this one, for a part that needs streams of its own (an epoch, a layer).
  [[nodiscard]] constexpr random_stream substream(std::uint64_t child) const {
    // The complemented key keeps the derivation apart from the numbers that this stream hands out.
    const auto w = philox::block({low(child), high(child), low(stream_), high(stream_)}, {~low(seed_), ~high(seed_)});
    return random_stream(join(w[0], w[1]), join(w[2], w[3]));
  }

  [[nodiscard]] constexpr bool operator==(const random_stream&) const = default;

 private:
  static constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
  static constexpr std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }
  static constexpr std::uint64_t join(std::uint64_t lower, std::uint64_t upper) { return lower | upper << 32; }
  static constexpr std::int64_t upper_bits(std::uint64_t lower, std::uint64_t upper) {
    return static_cast<std::int64_t>(join(lower, upper) >> 11);
  }
  static constexpr double unit(std::uint64_t lower, std::uint64_t upper) {
    return static_cast<double>(upper_bits(lower, upper)) * 0x1.0p-53;
  }
  // The upper 64 bits of a 128-bit product; __int128 is no part of ISO C++.
  static constexpr std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t lower = std::uint64_t{low(a)} * low(b);
    const std::uint64_t cross = std::uint64_t{high(a)} * low(b) + high(lower);
    const std::uint64_t other = std::uint64_t{low(a)} * high(b) + low(cross);
    return std::uint64_t{high(a)} * high(b) + high(cross) + high(other);
  }

  std::uint64_t seed_;
  std::uint64_t stream_;
};

/// The numbers 0 ... n-1 in a random order (Fisher and Yates, indices 1 ... n-1 of the stream), the same on every
/// platform.
/// Errors: config_error if n does not fit 32 bits.
[[nodiscard]] inline std::vector<std::uint32_t> permutation(random_stream random, std::size_t n) {
  expect(n <= 0xFFFFFFFF, "permutation: n", "at most 2^32 - 1", n);
  std::vector<std::uint32_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = static_cast<std::uint32_t>(i);
  for (std::size_t i = n; i-- > 1;) std::swap(order[i], order[random.integer(i, i + 1)]);
  return order;
}

}  // namespace localis
