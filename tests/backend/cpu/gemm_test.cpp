#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "support/distance.hpp"
#include <doctest/doctest.h>
#include <pthread.h>

#include <localis/backend/cpu/gemm.hpp>
#include <localis/core/random.hpp>

namespace lo = localis;
using lo::cpu::matrix_view;

namespace {

/// A matrix within a wider array; what lies beside it must not be read or written.
template <class T>
struct wide {
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
  std::vector<T> values;

  wide(std::size_t r, std::size_t c, std::uint64_t stream)
      : rows(r), columns(c), stride(c + 3), values(r * stride, T(1e9)) {
    const lo::random_stream random(4, stream);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < c; ++j) values[i * stride + j] = static_cast<T>(random.normal(i * c + j));
    }
  }
  [[nodiscard]] double operator()(std::size_t i, std::size_t j) const {
    return static_cast<double>(values[i * stride + j]);
  }
  [[nodiscard]] matrix_view<const T> in() const { return {values.data(), rows, columns, stride}; }
  [[nodiscard]] matrix_view<T> out() { return {values.data(), rows, columns, stride}; }
};

template <class T, class Product, class Term>
void check_product(std::size_t m, std::size_t n, std::size_t k, const wide<T>& a, const wide<T>& b, Product product,
                   Term term) {
  for (const auto mode : {lo::kernel::store::replace, lo::kernel::store::add}) {
    wide<T> c(m, n, 3);
    const wide<T> before = c;
    product(a.in(), b.in(), c.out(), mode, lo::cpu::precision::float32);
    std::vector<double> found;
    std::vector<double> expected;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        long double sum = mode == lo::kernel::store::add ? before(i, j) : 0;
        for (std::size_t l = 0; l < k; ++l) sum += term(i, j, l);
        found.push_back(c(i, j));
        expected.push_back(static_cast<double>(sum));
      }
      for (std::size_t j = n; j < c.stride; ++j) CHECK(c.values[i * c.stride + j] == T(1e9));
    }
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    // Rounding errors do not grow with the number of terms: those of one sum of 5000 terms would be twice as large.
    CHECK(localis_test::distance(found, expected) < (std::is_same_v<T, float> ? 5e-7 : 1e-15));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("multiply: the products of a layer, on blocks of larger arrays, set and added", T, float, double) {
  for (const auto& [m, n, k] : {std::array<std::size_t, 3>{1, 1, 1},
                                {5, 7, 3},
                                {33, 2, 18},
                                {1, 40, 9},
                                {2, 17, 1},
                                {70, 40, 300},
                                {9, 130, 1100},
                                {1, 41, 5000},
                                {41, 1, 5000},
                                {3, 20, 5000},
                                {1030, 5, 270},  // several tiles of rows and parts of their columns
                                {5000, 1, 3}}) {
    const wide<T> a(m, k, 0);
    const wide<T> b(n, k, 1);
    const wide<T> at(k, m, 2);
    const wide<T> bt(k, n, 5);
    check_product(m, n, k, a, b, lo::cpu::multiply_abt<T>,
                  [&](std::size_t i, std::size_t j, std::size_t l) { return a(i, l) * b(j, l); });
    check_product(m, n, k, at, bt, lo::cpu::multiply_atb<T>,
                  [&](std::size_t i, std::size_t j, std::size_t l) { return at(l, i) * bt(l, j); });
    check_product(m, n, k, a, bt, lo::cpu::multiply_ab<T>,
                  [&](std::size_t i, std::size_t j, std::size_t l) { return a(i, l) * bt(l, j); });
    wide<T> c(m, n, 3);
    const wide<T> before = c;
    lo::cpu::multiply_ab<T>(a.in(), bt.in(), c.out(), lo::kernel::store::add);
    lo::cpu::subtract_ab<T>(a.in(), bt.in(), c.out());
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) CHECK(c(i, j) == doctest::Approx(before(i, j)).epsilon(1e-5).scale(100));
    }
  }
}

TEST_CASE("multiply: a product without terms is zero") {
  std::vector<double> c(6, 3);
  for (const auto product : {lo::cpu::multiply_abt<double>, lo::cpu::multiply_ab<double>}) {
    std::fill(c.begin(), c.end(), 3);
    product({nullptr, 2, 0, 0}, {nullptr, product == lo::cpu::multiply_abt<double> ? 3U : 0U, 0, 3},
            {c.data(), 2, 3, 3}, lo::kernel::store::replace, lo::cpu::precision::float32);
    CHECK(c == std::vector<double>(6));
  }
  std::fill(c.begin(), c.end(), 3);
  lo::cpu::multiply_atb<double>({nullptr, 0, 2, 2}, {nullptr, 0, 3, 3}, {c.data(), 2, 3, 3}, lo::kernel::store::add);
  CHECK(c == std::vector<double>(6, 3));
  lo::cpu::multiply_atb<double>({nullptr, 0, 2, 2}, {nullptr, 0, 3, 3}, {c.data(), 2, 3, 3},
                                lo::kernel::store::replace);
  CHECK(c == std::vector<double>(6));
}

TEST_CASE("multiply: on a thread with 128 KB of stack") {
  static char failed = 0;
  const auto run = [](void*) -> void* {
    using view = matrix_view<const float>;
    constexpr auto replace = lo::kernel::store::replace;
    const std::vector<float> a(256 * 576, 1);
    const std::vector<float> b(96 * 576, 1);
    std::vector<float> c(256 * 96);
    std::vector<float> d(256 * 576);
    std::vector<float> w(96 * 576);
    lo::cpu::multiply_abt<float>(view{a.data(), 256, 576, 576}, view{b.data(), 96, 576, 576}, {c.data(), 256, 96, 96},
                                 replace);
    lo::cpu::multiply_ab<float>(view{c.data(), 256, 96, 96}, view{b.data(), 96, 576, 576}, {d.data(), 256, 576, 576},
                                replace);
    lo::cpu::multiply_atb<float>(view{c.data(), 256, 96, 96}, view{a.data(), 256, 576, 576}, {w.data(), 96, 576, 576},
                                 replace);
    return c.back() == 576 && d.back() == 576 * 96 && w.back() == 576 * 256 ? nullptr : &failed;
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
