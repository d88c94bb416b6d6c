#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/math/cholesky.hpp>

using localis::math::solve_positive_definite;

TEST_CASE("solve_positive_definite: two equations by hand") {
  std::vector<double> a{4, 2, 2, 3};
  std::vector<double> b{8, 0, 8, 4};  // A (1 -1; 2 2)
  solve_positive_definite(a, 2, b, 2);
  CHECK(b[0] == doctest::Approx(1).epsilon(1e-15));
  CHECK(b[1] == doctest::Approx(-1).epsilon(1e-15));
  CHECK(b[2] == doctest::Approx(2).epsilon(1e-15));
  CHECK(b[3] == doctest::Approx(2).epsilon(1e-15));
}

TEST_CASE("solve_positive_definite: A Q is B, of any size") {
  const localis::random_stream random(5, 0);
  for (const std::size_t n : {1U, 3U, 10U}) {
    for (const std::size_t m : {1U, 4U}) {
      CAPTURE(n);
      std::vector<double> a(n * n, 0.0);  // M M^T + 1: condition at most about 100
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          for (std::size_t k = 0; k < n; ++k) a[i * n + j] += random.normal(i * n + k) * random.normal(j * n + k);
        }
        a[i * n + i] += 1;
      }
      std::vector<double> b(n * m);
      for (std::size_t i = 0; i < b.size(); ++i) b[i] = random.normal(1000 + i);
      std::vector<double> factor = a;
      std::vector<double> q = b;
      solve_positive_definite(factor, n, q, m);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t c = 0; c < m; ++c) {
          double sum = 0;
          for (std::size_t k = 0; k < n; ++k) sum += a[i * n + k] * q[k * m + c];
          CHECK(std::abs(sum - b[i * m + c]) < 1e-12);
        }
      }
    }
  }
}
