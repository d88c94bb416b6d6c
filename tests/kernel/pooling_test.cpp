#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/normalization.hpp>
#include <localis/kernel/pooling.hpp>
#include <localis/math/activation.hpp>

namespace lo = localis;
namespace kernel = lo::kernel;

namespace {

void check_tiles(const lo::linear_map& map) {
  CHECK(kernel::windows_tile(map));
  constexpr std::size_t samples = 3;
  const lo::random_stream random(1, 2);
  std::vector<double> x(samples * map.in.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(random.bits(i) % 4);  // with equal maxima
  std::vector<double> y(samples * map.out.size());
  std::vector<double> dy(y.size());
  for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = 1 + static_cast<double>(i);
  const std::size_t channels = map.in.channels;
  for (std::size_t row = 0; row < map.rows(samples); ++row) {
    kernel::max_pool<double>{map, x.data(), y.data()}(row, 0, channels);
  }
  std::vector<double> whole(x.size(), -1);
  std::vector<double> tiled(x.size(), -2);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    kernel::max_pool_gradient<double>{map, x.data(), y.data(), dy.data(), whole.data()}(sample, 0, channels);
  }
  for (std::size_t row = 0; row < map.rows(samples); ++row) {
    kernel::max_pool_tile_gradient<double>{map, x.data(), y.data(), dy.data(), tiled.data()}(row, 0, channels);
  }
  CHECK(tiled == whole);
}

}  // namespace

TEST_CASE("max_pool_tile_gradient: what max_pool_gradient hands out where windows tile the image") {
  check_tiles({{4, 6, 3}, {2, 3, 3}, {2, 2, 2, 0}});
  check_tiles({{4, 6, 3}, {4, 2, 3}, {1, 3, {1, 3}, 0}});
  CHECK_FALSE(kernel::windows_tile({{5, 6, 3}, {2, 3, 3}, {2, 2, 2, 0}}));  // a rest
  CHECK_FALSE(kernel::windows_tile({{4, 6, 3}, {3, 5, 3}, {2, 2, 1, 0}}));  // overlap
  CHECK_FALSE(kernel::windows_tile({{4, 6, 3}, {3, 4, 3}, {2, 2, 2, 1}}));  // padding
  CHECK_FALSE(kernel::windows_tile({{4, 6, 3}, {2, 2, 3}, {2, 3, 3, 0}}));  // gaps between rows or columns
  CHECK_FALSE(kernel::windows_tile({{4, 6, 3}, {2, 2, 3}, {2, 3, {2, 4}, 0}}));
  CHECK_FALSE(kernel::windows_tile({{4, 6, 3}, {2, 4, 3}, {2, 3, {2, 1}, 0}}));
}

TEST_CASE("scale_shift_pool: the bytes of a normalization and of the pooling after it") {
  constexpr std::size_t samples = 2;
  constexpr std::size_t channels = 4;
  const lo::linear_map map{{4, 6, channels}, {2, 2, channels}, {2, 3, {2, 3}, 0}};
  REQUIRE(kernel::windows_tile(map));
  const lo::random_stream random(1, 4);
  std::vector<float> u(samples * map.in.size());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = static_cast<float>(random.normal(i));
  const std::vector<float> scale{1, -2, 0.5F, 3};
  const std::vector<float> shift{0, 1, -1, 0.25F};
  std::vector<float> y(u.size()), pooled(samples * map.out.size());
  const auto apply_to = [&](std::vector<float>& target) {
    return kernel::scale_shift<float, lo::relu_function>{u.data(), target.data(), scale.data(), shift.data(), channels};
  };
  for (std::size_t row = 0; row < samples * map.in.positions(); ++row) apply_to(y)(row, 0, channels);
  for (std::size_t row = 0; row < map.rows(samples); ++row) {
    kernel::max_pool<float>{map, y.data(), pooled.data()}(row, 0, channels);
  }
  for (const bool by_packs : {false, true}) {
    CAPTURE(by_packs);
    std::vector<float> all(y.size(), -1), largest(pooled.size(), -1);
    const kernel::scale_shift_pool<float, lo::relu_function> f{apply_to(all), {map, all.data(), largest.data()}};
    REQUIRE(f.packs(2));
    for (std::uint32_t row = 0; row < map.rows(samples); ++row) {
      if (by_packs) {
        for (std::uint32_t c = 0; c < channels; c += 2) f.packed<2>(row, c);
      } else {
        f(row, 0, channels);
      }
    }
    CHECK(all == y);
    CHECK(largest == pooled);
  }
}

TEST_CASE("pooling: by packs and by input positions, the bytes of whole rows and samples") {
  constexpr std::size_t samples = 2;
  constexpr std::size_t channels = 4;
  const lo::random_stream random(1, 3);
  for (const lo::window& field : {lo::window{2, 2, 2, 0},
                                  {3, 3, 2, 1},
                                  {3, 3, 1, 1},
                                  {2, 2, 3, 0},
                                  {3, 2, 1, 0},
                                  {1, 4, {1, 2}, {0, 2}},
                                  {4, 1, {3, 1}, {1, 0}},
                                  {3, 2, {1, 3}, {1, 0}}}) {
    const lo::shape in{5, 7, channels};
    const lo::linear_map map{in, field.output(in, channels), field};
    CAPTURE(field.height);
    CAPTURE(field.stride);
    std::vector<double> x(samples * map.in.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(random.bits(i) % 4);  // with equal maxima
    std::vector<double> y(samples * map.out.size(), -1);
    std::vector<double> packed(y.size(), -2);
    std::vector<double> dy(y.size());
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = random.normal(i);
    for (std::size_t row = 0; row < map.rows(samples); ++row) {
      kernel::max_pool<double>{map, x.data(), y.data()}(row, 0, channels);
      for (std::uint32_t c = 0; c < channels; c += 2) {
        kernel::max_pool<double>{map, x.data(), packed.data()}.packed<2>(static_cast<std::uint32_t>(row), c);
      }
    }
    CHECK(packed == y);

    const auto check_gradient = [&](const auto& make) {
      std::vector<double> whole(x.size(), -1);
      std::vector<double> single(x.size(), -2);
      for (std::size_t sample = 0; sample < samples; ++sample) make(whole.data())(sample, 0, channels);
      for (std::size_t row = 0; row < samples * in.positions(); ++row) {
        for (std::uint32_t i = 0; i < channels; ++i) make(single.data()).position(static_cast<std::uint32_t>(row), i);
      }
      CHECK(single == whole);
    };
    check_gradient([&](double* dx) {
      return kernel::max_pool_gradient<double>{map, x.data(), y.data(), dy.data(), dx};
    });
    check_gradient([&](double* dx) { return kernel::average_pool_gradient<double>{map, dy.data(), dx}; });
  }
}
