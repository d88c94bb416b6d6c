#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/kernel/unfold.hpp>

namespace lo = localis;

namespace {

lo::linear_map convolution(const lo::shape& in, const lo::window& field) { return {in, field.output(in, 1), field}; }

const lo::linear_map maps[] = {
    convolution({4, 5, 2}, {3, 3, 1, 0}), convolution({4, 5, 2}, {3, 3, 1, 1}), convolution({5, 6, 3}, {3, 3, 2, 1}),
    convolution({5, 4, 1}, {2, 2, 2, 0}), convolution({3, 3, 2}, {5, 5, 1, 2}), convolution({4, 3, 2}, {1, 1, 2, 0}),
    convolution({2, 3, 2}, {3, 3, 2, 4}),  // windows of padding alone, on every side
    convolution({6, 3, 2}, {1, 3, 1, 1}),  // not square
};

std::vector<double> normal(std::size_t size, std::uint64_t stream) {
  const lo::random_stream random(1, stream);
  std::vector<double> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// Element i of the row that output position p sees, from the definition.
double seen(const lo::linear_map& map, const std::vector<double>& x, std::size_t p, std::size_t i) {
  const auto extent = [](std::size_t n) { return static_cast<long>(n); };
  const std::size_t cell = i / map.in.channels;
  const long row = extent(p / map.out.width * map.field.stride + cell / map.field.width) - extent(map.field.padding);
  const long column = extent(p % map.out.width * map.field.stride + cell % map.field.width) - extent(map.field.padding);
  if (row < 0 || column < 0 || row >= extent(map.in.height) || column >= extent(map.in.width)) return 0;
  return x[(static_cast<std::size_t>(row) * map.in.width + static_cast<std::size_t>(column)) * map.in.channels +
           i % map.in.channels];
}

}  // namespace

TEST_CASE("unfold_row: what each output position sees, zero outside") {
  for (const lo::linear_map& map : maps) {
    const std::vector<double> x = normal(map.in.size(), 0);
    std::size_t wrong = 0;
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      std::vector<double> row(map.inputs(), -99.0);
      lo::kernel::unfold_row(map, x.data(), p, row.data());
      for (std::size_t i = 0; i < row.size(); ++i) wrong += row[i] != seen(map, x, p, i);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("fold_row: the adjoint of unfold_row, <unfold x, r> = <x, fold r>") {
  for (const lo::linear_map& map : maps) {
    const std::vector<double> x = normal(map.in.size(), 1);
    std::vector<double> folded(map.in.size(), 0.0);
    double left = 0;
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      const std::vector<double> r = normal(map.inputs(), 2 + p);
      for (std::size_t i = 0; i < r.size(); ++i) left += seen(map, x, p, i) * r[i];
      lo::kernel::fold_row(map, r.data(), p, folded.data());
    }
    double right = 0;
    for (std::size_t i = 0; i < x.size(); ++i) right += x[i] * folded[i];
    CHECK(left == doctest::Approx(right).epsilon(1e-12));
  }
}
