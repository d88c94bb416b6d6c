#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/depthwise.hpp>

namespace lo = localis;
namespace kernel = lo::kernel;
using values = std::vector<double>;

namespace {

constexpr std::size_t samples = 2;
constexpr std::size_t channels = 3;
const lo::shape in{5, 4, channels};
const lo::window field{3, 2, {2, 1}, {1, 2}};
constexpr std::size_t cells = 6;
const lo::linear_map map{in, field.output(in, channels), field, channels};

values normal(std::size_t size, std::uint64_t stream) {
  const lo::random_stream random(4, stream);
  values x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// From the definition, zero outside.
double pixel(const values& x, std::size_t sample, std::size_t position, std::size_t cell, std::size_t c) {
  const std::size_t row = position / map.out.width * field.stride.height + cell / field.width;  // off by the padding
  const std::size_t column = position % map.out.width * field.stride.width + cell % field.width;
  const lo::lengths pad = field.padding;
  if (row < pad.height || column < pad.width) return 0;
  if (row >= in.height + pad.height || column >= in.width + pad.width) return 0;
  return x[((sample * in.height + row - pad.height) * in.width + column - pad.width) * channels + c];
}

values respond(const values& x, const values& w) {
  values u(samples * map.out.size());
  const kernel::depthwise_response<double> f{map, x.data(), w.data(), u.data()};
  for (std::size_t row = 0; row < map.rows(samples); ++row) f(row, 0, channels);
  return u;
}

double dot(const values& a, const values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("kernel::depthwise_response: each channel's own window, zero outside; all rows, or some") {
  const values x = normal(samples * in.size(), 0);
  const values w = normal(channels * cells, 1);
  const values u = respond(x, w);
  for (std::size_t row = 0; row < map.rows(samples); ++row) {
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::size_t cell = 0; cell < cells; ++cell) {
        sum += w[c * cells + cell] * pixel(x, row / map.out.positions(), row % map.out.positions(), cell, c);
      }
      CHECK(u[row * channels + c] == doctest::Approx(sum).epsilon(1e-13));
    }
  }
  values some(channels);
  kernel::depthwise_response<double>{map, x.data(), w.data(), some.data(), 1, 4}(0, 0, channels);
  CHECK(some == values(u.begin() + channels, u.begin() + 2 * channels));
}

TEST_CASE("kernel: products and input gradient of a depthwise convolution are its adjoints") {
  const values x = normal(samples * in.size(), 2);
  const values w = normal(channels * cells, 3);
  const values d = normal(samples * map.out.size(), 4);
  const double expected = dot(respond(x, w), d);

  values sums(cells * channels, 0.0);  // by cell, then channel
  const kernel::depthwise_products<double> products{map, x.data(), d.data(), channels, 0, 1};
  for (std::size_t row = 0; row < map.rows(samples); ++row) products(row, 0, cells * channels, sums.data());
  double by_weights = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t cell = 0; cell < cells; ++cell) by_weights += w[c * cells + cell] * sums[cell * channels + c];
  }
  CHECK(by_weights == doctest::Approx(expected).epsilon(1e-12));

  values dx(x.size());
  const auto find_gradient = [&](kernel::store mode) {
    const kernel::depthwise_input_gradient<double> gradient{map, d.data(), w.data(), dx.data(), mode};
    for (std::size_t row = 0; row < samples * in.positions(); ++row) gradient(row, 0, channels);
  };
  find_gradient(kernel::store::replace);
  CHECK(dot(x, dx) == doctest::Approx(expected).epsilon(1e-12));
  find_gradient(kernel::store::add);
  CHECK(dot(x, dx) == doctest::Approx(2 * expected).epsilon(1e-12));

  // Without d it is 1: sums of what the windows see.
  values plain(cells * channels, 0.0);
  kernel::depthwise_products<double>{map, x.data(), nullptr, 0, 0, 1}(3, 0, cells * channels, plain.data());
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(plain[i] == pixel(x, 0, 3, i / channels, i % channels));
}
