#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "support/distance.hpp"
#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/cpu/bfloat16_products.hpp>
#include <localis/backend/cpu/gemm.hpp>

namespace lo = localis;
using lo::cpu::precision;
using localis_test::numbers;
using localis_test::problem;

namespace {

bool is_left_out() {
  if (lo::cpu::bfloat16::is_compiled<float> && lo::cpu::bfloat16::is_present()) return false;
  MESSAGE("left out: compiled without AVX512_BF16, or the processor has none");
  return true;
}

/// The nearest value of bfloat16, the even one of two.
float rounded(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  bits = (bits + 0x7FFFU + (bits >> 16U) % 2) & 0xFFFF0000U;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}
void round_all(numbers& values) {
  for (double& value : values) value = static_cast<double>(rounded(static_cast<float>(value)));
}
problem rounded(problem in) {
  for (numbers* values : {&in.x, &in.w, &in.d}) round_all(*values);
  return in;
}

problem layer(const lo::shape& in, std::size_t units, const lo::window& field, std::size_t samples) {
  lo::learn_options options;
  options.unit_sums = 2;
  options.sums_inputs = true;
  return {{in, field.output(in, units), field, 1}, samples, options, true};
}
lo::cpu::options in_bfloat16(std::size_t threads) {
  return {.threads = threads, .grain = 1, .precision = precision::bfloat16};
}

/// Gates, which are no values of bfloat16, are rounded.
constexpr double error_of_sums = 4e-3;

}  // namespace

TEST_CASE("bfloat16: products round their operands and add up in float") {
  if (is_left_out()) return;
  using view = lo::cpu::matrix_view<const float>;
  for (const auto& extents : {std::array<std::size_t, 3>{1, 1, 1},
                              {5, 7, 3},
                              {33, 2, 18},
                              {1, 40, 9},
                              {70, 40, 300},
                              {9, 130, 1100},
                              {3, 20, 5000},
                              {530, 5, 270},
                              {65, 161, 129},
                              {5, 3, 0}}) {
    const std::size_t m = extents[0];
    const std::size_t n = extents[1];
    const std::size_t k = extents[2];
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    const numbers left = localis_test::normal(m * k, 1);
    const numbers right = localis_test::normal(k * n, 2);
    std::vector<float> a(m * k), at(m * k), b(k * n), bt(k * n);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t l = 0; l < k; ++l) a[i * k + l] = at[l * m + i] = static_cast<float>(left[i * k + l]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t l = 0; l < k; ++l) b[j * k + l] = bt[l * n + j] = static_cast<float>(right[j * k + l]);
    }
    for (const auto mode : {lo::kernel::store::replace, lo::kernel::store::add}) {
      numbers expected(m * n, mode == lo::kernel::store::add ? 3.0 : 0.0);
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          for (std::size_t l = 0; l < k; ++l) {
            expected[i * n + j] +=
                static_cast<double>(rounded(a[i * k + l])) * static_cast<double>(rounded(b[j * k + l]));
          }
        }
      }
      const auto check = [&](auto product, const view& x, const view& y) {
        const float margin = 7;
        std::vector<float> c(m * (n + 1), margin);
        for (std::size_t i = 0; i < m; ++i) std::fill_n(c.data() + i * (n + 1), n, 3.0F);
        product(x, y, lo::cpu::matrix_view<float>{c.data(), m, n, n + 1}, mode, precision::bfloat16);
        numbers found;
        for (std::size_t i = 0; i < m; ++i) {
          for (std::size_t j = 0; j < n; ++j) found.push_back(static_cast<double>(c[i * (n + 1) + j]));
          CHECK(c[i * (n + 1) + n] == margin);
        }
        if (k == 0) {
          CHECK(found == expected);
        } else {
          CHECK(localis_test::distance(found, expected) < 5e-7);
        }
      };
      check(lo::cpu::multiply_abt<float>, {a.data(), m, k, k}, {b.data(), n, k, k});
      check(lo::cpu::multiply_atb<float>, {at.data(), k, m, m}, {bt.data(), k, n, n});
      check(lo::cpu::multiply_ab<float>, {a.data(), m, k, k}, {bt.data(), k, n, n});
    }
  }
}

TEST_CASE("bfloat16: ties go to even, and what is no number stays where it is seen") {
  if (is_left_out()) return;
  const float tie = 1 + 0x1p-8F;
  const float above = 1 + 3 * 0x1p-8F;
  const std::array<float, 3> w{1, 1, 1};
  std::array<float, 6> x{tie, above, 0, std::numeric_limits<float>::quiet_NaN(), 0, 0};
  std::array<float, 2> u{};
  const auto multiply = [&] {
    // What a product leaves on the stack is no number, and must not be a factor of the next.
    const std::vector<float> none(8, std::numeric_limits<float>::quiet_NaN());
    lo::cpu::multiply_abt<float>({none.data(), 2, 4, 4}, {none.data(), 1, 4, 4}, {u.data(), 2, 1, 1},
                                 lo::kernel::store::replace, precision::bfloat16);
    lo::cpu::multiply_abt<float>({x.data(), 2, 3, 3}, {w.data(), 1, 3, 3}, {u.data(), 2, 1, 1},
                                 lo::kernel::store::replace, precision::bfloat16);
  };
  multiply();
  CHECK(u[0] == 1 + (1 + 0x1p-6F));
  CHECK(std::isnan(u[1]));
  x[3] = std::numeric_limits<float>::infinity();  // beside the last input of the first row, which has no pair
  multiply();
  CHECK(u[0] == 1 + (1 + 0x1p-6F));
  CHECK(std::isinf(u[1]));
}

TEST_CASE("bfloat16: cpu computes what the definitions say of rounded operands, on any number of threads") {
  if (is_left_out()) return;
  std::vector<problem> all = localis_test::convolutions();
  for (const std::size_t inputs : std::array<std::size_t, 3>{1, 47, 300}) {
    for (const std::size_t units : std::array<std::size_t, 3>{1, 33, 160}) {
      for (const std::size_t samples : std::array<std::size_t, 3>{1, 18, 75}) {
        all.push_back(layer({1, 1, inputs}, units, {}, samples));
      }
    }
  }
  all.push_back(layer({9, 10, 20}, 50, {}, 4));
  all.push_back(layer({9, 11, 40}, 66, {3, 3, 2, 1}, 3));
  all.push_back(layer({15, 16, 3}, 64, {7, 7, 2, 3}, 2));
  all.push_back(layer({12, 12, 6}, 16, {5, 5, 1, 0}, 3));
  for (const problem& in : all) {
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      check_problem(rounded(in), lo::cpu::backend<float>(in_bfloat16(threads)), 1e-5, error_of_sums);
    }
  }
}

TEST_CASE("bfloat16: errors are those of float sums, and responses do not depend on threads") {
  if (is_left_out()) return;
  for (const problem& in :
       {layer({1, 1, 1024}, 100, {}, 50), layer({8, 8, 96}, 48, {}, 4), layer({8, 8, 64}, 80, {3, 3, 2, 1}, 4)}) {
    const problem exact_in = rounded(in);
    const localis_test::results exact = run(exact_in, lo::cpu::backend<double>());
    const localis_test::results found = run(exact_in, lo::cpu::backend<float>(in_bfloat16(1)));
    CHECK(localis_test::distance(found.u, exact.u) < 5e-7);
    CHECK(localis_test::distance(found.response, exact.response) < 5e-7);
    CHECK(localis_test::distance(found.gradient, exact.gradient) < 5e-7);
    CHECK(localis_test::distance(found.input_gradient, exact.input_gradient) < 5e-7);
    CHECK(localis_test::distance(found.sum, exact.sum) < error_of_sums);
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      const localis_test::results one = run(exact_in, lo::cpu::backend<float>(in_bfloat16(threads)));
      const localis_test::results other = run(exact_in, lo::cpu::backend<float>(in_bfloat16(threads)));
      CHECK(one.u == found.u);
      CHECK(one.response == found.response);
      CHECK(one.input_gradient == found.input_gradient);
      CHECK(one.gradient == other.gradient);
      CHECK(one.sum == other.sum);
    }
    const localis_test::results plain = run(in, lo::cpu::backend<float>());
    const localis_test::results coarse = run(in, lo::cpu::backend<float>(in_bfloat16(1)));
    CHECK(localis_test::distance(coarse.u, plain.u) > 1e-3);
    CHECK(localis_test::distance(coarse.sum, plain.sum) > 1e-3);
    CHECK(localis_test::distance(coarse.gradient, plain.gradient) > 1e-3);
    CHECK(localis_test::distance(coarse.input_gradient, plain.input_gradient) > 1e-3);
  }
}

TEST_CASE("bfloat16: minimal filtering stays in float") {
  if (is_left_out()) return;
  const problem in = layer({16, 16, 16}, 32, {3, 3, 1, 1}, 2);
  const localis_test::results plain = run(in, lo::cpu::backend<float>({.threads = 1}));
  const localis_test::results found = run(in, lo::cpu::backend<float>(in_bfloat16(1)));
  CHECK(found.u == plain.u);
  CHECK(found.sum == plain.sum);
}

TEST_CASE("bfloat16: the precision is named, and an error where there is none") {
  const lo::cpu::options chosen{.precision = precision::bfloat16};
  const auto make = [&](auto scalar) { static_cast<void>(lo::cpu::backend<decltype(scalar)>(chosen)); };
  CHECK_THROWS_WITH_AS(make(1.0), "cpu::options: precision: expected float32 (scalars are doubles), found bfloat16",
                       lo::config_error);
  if (!lo::cpu::bfloat16::is_compiled<float>) {
    CHECK_THROWS_WITH_AS(make(1.0F),
                         "cpu::options: precision: expected float32 (compiled without AVX512_BF16: -march=native on a "
                         "processor that has it), found bfloat16",
                         lo::config_error);
  } else if (!lo::cpu::bfloat16::is_present()) {
    CHECK_THROWS_WITH_AS(
        make(1.0F), "cpu::options: precision: expected float32 (this processor has no AVX512_BF16), found bfloat16",
        lo::config_error);
  } else {
    using lo::cpu::convolution;
    const auto name = [](convolution way) {
      return lo::cpu::backend<float>({.convolution = way, .precision = precision::bfloat16}).arithmetic();
    };
    CHECK(name(convolution::fast) == "fast convolution, other products in bfloat16");
    CHECK(name(convolution::direct) == "direct convolution, other products in bfloat16");
  }
  CHECK(lo::cpu::backend<float>().arithmetic() == "fast convolution");
  CHECK(lo::cpu::backend<double>().arithmetic() == "direct convolution");
}
