#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/check/counting.hpp>
#include <localis/core/random.hpp>

namespace lo = localis;

namespace {

struct column_sums {
  const float* x;
  std::size_t columns;
  void operator()(std::size_t row, std::size_t begin, std::size_t end, float* sums) const {
    for (std::size_t c = begin; c < end; ++c) {
      sums[c] += x[row * columns + c];
      sums[columns + c] += 1;
    }
  }
};

struct mark {
  int* visits;
  std::size_t* columns;
  void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    ++visits[row];
    columns[row] = end - begin;
  }
};

}  // namespace

TEST_CASE("cpu: options out of range") {
  CHECK_THROWS_WITH_AS(static_cast<void>(lo::cpu::backend<float>({.threads = 5000})),
                       "cpu::options: threads: expected at most 4096, found 5000", lo::config_error);
  CHECK_THROWS_WITH_AS(static_cast<void>(lo::cpu::backend<float>({.tile_bytes = 1000})),
                       "cpu::options: tile_bytes: expected at least 1024, found 1000", lo::config_error);
  CHECK(lo::cpu::backend<float>().threads() == lo::cpu::available_threads());
  CHECK(lo::cpu::backend<float>({.threads = 3}).threads() == 3);
}

TEST_CASE("cpu: for_rows and for_samples visit every row once, on any number of threads") {
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 3}) {
    const lo::cpu::backend<float> backend({.threads = threads});
    for (const std::size_t rows : std::initializer_list<std::size_t>{1, 2, 1001}) {
      std::vector<int> visits(rows, 0);
      std::vector<std::size_t> columns(rows, 0);
      backend.for_rows(rows, 100, mark{visits.data(), columns.data()});
      CHECK(visits == std::vector<int>(rows, 1));
      CHECK(columns == std::vector<std::size_t>(rows, 100));
      backend.for_samples(rows, 100000, 7, mark{visits.data(), columns.data()});
      CHECK(visits == std::vector<int>(rows, 2));
      CHECK(columns == std::vector<std::size_t>(rows, 7));
    }
  }
}

TEST_CASE("cpu: reduce_columns gives the same bytes on any number of threads") {
  constexpr std::size_t rows = 5003;
  constexpr std::size_t columns = 9;
  const lo::random_stream random(1, 2);
  std::vector<float> x(rows * columns);
  std::vector<double> expected(columns, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(random.normal(i));
    expected[i % columns] += static_cast<double>(x[i]);
  }
  std::vector<float> first;
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2, 3}) {
    const lo::cpu::backend<float> backend({.threads = threads});
    lo::workspace measure;
    backend.reduce_scratch(rows, columns, 2, measure);
    std::vector<std::byte> scratch(measure.used() + 64);
    std::vector<float> sums(2 * columns, -1.0F);
    backend.reduce_columns(rows, columns, 2, column_sums{x.data(), columns}, sums.data(),
                           lo::workspace(scratch.data()));
    for (std::size_t c = 0; c < columns; ++c) {
      CHECK(static_cast<double>(sums[c]) == doctest::Approx(expected[c]).epsilon(1e-4));
      CHECK(sums[columns + c] == static_cast<float>(rows));
    }
    if (first.empty()) first = sums;
    CHECK(sums == first);
  }
}

TEST_CASE("cpu: copy, on one thread and on more") {
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 5, 40001}) {
    const lo::cpu::backend<double> backend({.threads = 3});
    std::vector<double> from(size);
    for (std::size_t i = 0; i < size; ++i) from[i] = static_cast<double>(i) + 1;
    std::vector<double> to(size + 1, 0.0);
    backend.copy(from.data(), size, to.data());
    from.push_back(0);
    CHECK(to == from);
  }
}

TEST_CASE("cpu: a copy shares the memory counters, and a counting backend counts its products") {
  using counting = lo::check::counting<lo::cpu::backend<double>>;
  const counting backend{lo::cpu::backend<double>({.threads = 1})};
  const auto array = counting(backend).allocate<double>(lo::memory_kind::arena, 10);
  CHECK(backend.counters().held(lo::memory_kind::arena) == 80);
  const lo::linear_map map{{1, 1, 2}, {1, 1, 3}, {}};
  const std::vector<double> x{1, 2, 3, 4};
  const std::vector<double> w{1, 0, 0, 1, 1, 1};
  std::vector<double> u(6);
  backend.respond(map, {.samples = 2, .x = x.data(), .w = w.data(), .u = u.data()}, lo::workspace());
  CHECK(u == std::vector<double>{1, 2, 3, 3, 4, 7});
  CHECK(backend.counts() == lo::check::multiply_adds{.response = 12});
}
