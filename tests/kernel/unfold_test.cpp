#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/kernel/unfold.hpp>

namespace lo = localis;

namespace {

lo::linear_map convolution(const lo::shape& in, const lo::window& field) { return {in, field.output(in, 1), field}; }

const lo::linear_map maps[] = {
    convolution({4, 5, 2}, {3, 3, 1, 0}),
    convolution({4, 5, 2}, {3, 3, 1, 1}),
    convolution({5, 6, 3}, {3, 3, 2, 1}),
    convolution({5, 4, 1}, {2, 2, 2, 0}),
    convolution({3, 3, 2}, {5, 5, 1, 2}),
    convolution({4, 3, 2}, {1, 1, 2, 0}),
    convolution({2, 3, 2}, {3, 3, 2, 4}),  // windows of padding alone, on every side
    convolution({6, 3, 2}, {1, 3, 1, 1}),  // not square; then not along both axes either
    convolution({6, 5, 2}, {2, 3, {2, 1}, {0, 2}}),
    convolution({5, 6, 3}, {3, 1, {1, 3}, {2, 0}}),
    convolution({7, 6, 2}, {2, 3, 1, {1, 2}, {3, 2}}),
    convolution({7, 6, 2}, {3, 2, {1, 2}, 0, {1, 3}}),
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
  const auto& [height, width, stride, padding, dilation] = map.field;
  const long row = extent(p / map.out.width * stride.height + cell / width * dilation.height) - extent(padding.height);
  const long column = extent(p % map.out.width * stride.width + cell % width * dilation.width) - extent(padding.width);
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

TEST_CASE("add_row, is_zero_row: what an output position sees, without unfolding it") {
  for (const lo::linear_map& map : maps) {
    std::vector<double> x = normal(map.in.size(), 0);
    std::fill(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), 0.0);
    std::size_t wrong = 0;
    for (std::size_t p = 0; p < map.out.positions(); ++p) {
      std::vector<double> sum(map.inputs(), 1.0);
      lo::kernel::add_row(map, x.data(), p, 2.0, sum.data());
      bool is_zero = true;
      for (std::size_t i = 0; i < map.inputs(); ++i) {
        if (sum[i] != 1 + 2 * seen(map, x, p, i)) ++wrong;
        is_zero = is_zero && seen(map, x, p, i) == 0;
      }
      if (lo::kernel::is_zero_row(map, x.data(), p) != is_zero) ++wrong;
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

namespace {

/// Calls f.packed<Size>(row, begin) for all columns of all rows.
template <std::size_t Size, class Kernel>
void run_packs(const Kernel& f, std::size_t rows, std::size_t columns) {
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t begin = 0; begin < columns; begin += Size) {
      f.template packed<Size>(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(begin));
    }
  }
}

/// Maps with 4 and 8 channels, padding, strides, gaps and groups.
std::vector<lo::linear_map> packable_maps() {
  std::vector<lo::linear_map> result;
  for (const std::size_t channels : {std::size_t{4}, std::size_t{8}}) {
    for (const lo::window& field : {lo::window{3, 3, 1, 1},
                                    {3, 3, 2, 1},
                                    {1, 1, 1, 0},
                                    {2, 3, 2, 0},
                                    {3, 3, 1, 2, 2},
                                    {2, 3, {2, 1}, {0, 1}},
                                    {2, 2, {1, 2}, {1, 0}, {1, 3}}}) {
      for (const std::size_t groups : {std::size_t{1}, std::size_t{2}}) {
        const lo::shape in{5, 6, channels};
        result.push_back({in, field.output(in, groups), field, groups});
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("unfold_rows: by packs of channels and by elements as by whole rows") {
  constexpr std::size_t samples = 2;
  for (const lo::linear_map& map : packable_maps()) {
    const std::vector<double> x = normal(samples * map.in.size(), 3);
    std::vector<double> rows(map.rows(samples) * map.seen(), -1);
    std::vector<double> packed(rows.size(), -2);
    std::vector<double> single(rows.size(), -3);
    const lo::kernel::unfold_rows<double> whole{map, x.data(), rows.data(), 0};
    for (std::size_t row = 0; row < map.rows(samples); ++row) whole(row, 0, map.seen());
    const lo::kernel::unfold_rows<double> part{map, x.data(), packed.data(), 0};
    CHECK_FALSE(part.packs(3));
    CHECK(part.packs(2) == (map.groups == 1));
    if (part.packs(2)) {
      run_packs<2>(part, map.rows(samples), map.seen());
      CHECK(packed == rows);
    }
    const lo::kernel::unfold_rows<double> element{map, x.data(), single.data(), 0};
    for (std::size_t row = 0; row < map.rows(samples); ++row) {
      for (std::size_t i = 0; i < map.seen(); ++i) element(row, i, i + 1);
    }
    CHECK(single == rows);
  }
}

TEST_CASE("fold_rows: by packs of channels, the sums of fold_row") {
  constexpr std::size_t samples = 2;
  for (const lo::linear_map& map : packable_maps()) {
    const std::vector<double> rows = normal(map.rows(samples) * map.seen(), 4);
    std::vector<double> expected(samples * map.in.size(), 0);
    for (std::size_t row = 0; row < map.rows(samples); ++row) {
      const std::size_t sample = row / map.out.positions();
      lo::kernel::fold_row(map, rows.data() + row * map.seen(), row % map.out.positions(),
                           expected.data() + sample * map.in.size());
    }
    for (const auto mode : {lo::kernel::store::replace, lo::kernel::store::add}) {
      std::vector<double> packed(expected.size(), -1);
      const lo::kernel::fold_rows<double> f{map, rows.data(), packed.data(), mode};
      REQUIRE(f.packs(2));
      run_packs<2>(f, samples * map.in.positions(), map.in.channels);
      const double old = mode == lo::kernel::store::add ? -1 : 0;
      double worst = 0;
      for (std::size_t i = 0; i < packed.size(); ++i) worst = std::max(worst, std::abs(packed[i] - old - expected[i]));
      CHECK(worst < 1e-14);
    }
  }
}
