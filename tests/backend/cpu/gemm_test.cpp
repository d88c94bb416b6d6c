#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <pthread.h>

#include <localis/backend/cpu/gemm.hpp>
#include <localis/core/random.hpp>

namespace lo = localis;
using lo::cpu::matrix_view;

namespace {

/// A matrix within a wider array; what lies beside it must not be read or written.
struct wide {
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
  std::vector<double> values;

  wide(std::size_t r, std::size_t c, std::uint64_t stream)
      : rows(r), columns(c), stride(c + 3), values(r * stride, 1e9) {
    const lo::random_stream random(4, stream);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < c; ++j) values[i * stride + j] = random.normal(i * c + j);
    }
  }
  [[nodiscard]] double operator()(std::size_t i, std::size_t j) const { return values[i * stride + j]; }
  [[nodiscard]] matrix_view<const double> in() const { return {values.data(), rows, columns, stride}; }
  [[nodiscard]] matrix_view<double> out() { return {values.data(), rows, columns, stride}; }
};

template <class Product, class Term>
void check_product(std::size_t m, std::size_t n, std::size_t k, const wide& a, const wide& b, Product product,
                   Term term) {
  for (const auto mode : {lo::kernel::store::replace, lo::kernel::store::add}) {
    wide c(m, n, 3);
    const wide before = c;
    product(a.in(), b.in(), c.out(), mode);
    double worst = 0;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double sum = mode == lo::kernel::store::add ? before(i, j) : 0;
        for (std::size_t l = 0; l < k; ++l) sum += term(i, j, l);
        worst = std::max(worst, std::abs(c(i, j) - sum));
      }
      for (std::size_t j = n; j < c.stride; ++j) CHECK(c.values[i * c.stride + j] == 1e9);
    }
    CHECK(worst < 1e-11);
  }
}

}  // namespace

TEST_CASE("multiply: the three products of a layer, on blocks of larger arrays, set and added") {
  for (const auto& [m, n, k] : {std::array<std::size_t, 3>{1, 1, 1},
                                {5, 7, 3},
                                {33, 2, 18},
                                {1, 40, 9},
                                {70, 40, 300},
                                {1, 3, 5000},
                                {3, 1, 5000},
                                {5000, 1, 3}}) {
    const wide a(m, k, 0);
    const wide b(n, k, 1);
    const wide at(k, m, 2);
    const wide bt(k, n, 5);
    check_product(m, n, k, a, b, lo::cpu::multiply_abt<double>,
                  [&](std::size_t i, std::size_t j, std::size_t l) { return a(i, l) * b(j, l); });
    check_product(m, n, k, at, bt, lo::cpu::multiply_atb<double>,
                  [&](std::size_t i, std::size_t j, std::size_t l) { return at(l, i) * bt(l, j); });
    check_product(m, n, k, a, bt, lo::cpu::multiply_ab<double>,
                  [&](std::size_t i, std::size_t j, std::size_t l) { return a(i, l) * bt(l, j); });
  }
}

TEST_CASE("multiply: on a thread with 128 KB of stack") {
  static char failed = 0;
  const auto run = [](void*) -> void* {
    const std::vector<float> a(256 * 576, 1);
    const std::vector<float> b(96 * 576, 1);
    std::vector<float> c(256 * 96);
    lo::cpu::multiply_abt<float>({a.data(), 256, 576, 576}, {b.data(), 96, 576, 576}, {c.data(), 256, 96, 96},
                                 lo::kernel::store::replace);
    return c.front() == 576 && c.back() == 576 ? nullptr : &failed;
  };
  pthread_attr_t small;
  REQUIRE(pthread_attr_init(&small) == 0);
  REQUIRE(pthread_attr_setstacksize(&small, 128 * 1024) == 0);
  pthread_t thread{};
  REQUIRE(pthread_create(&thread, &small, run, nullptr) == 0);
  void* wrong = &small;
  CHECK(pthread_join(thread, &wrong) == 0);
  CHECK(wrong == nullptr);
  pthread_attr_destroy(&small);
}
