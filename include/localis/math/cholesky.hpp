#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace localis::math {

/// Solves A Q = B for symmetric, positive definite A (n x n), by Cholesky's method, in place: B (n x m) becomes Q.
inline void solve_positive_definite(std::vector<double>& a, std::size_t n, std::vector<double>& b, std::size_t m) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j * n + j] -= a[j * n + k] * a[j * n + k];
    a[j * n + j] = std::sqrt(a[j * n + j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i * n + j] -= a[i * n + k] * a[j * n + k];
      a[i * n + j] /= a[j * n + j];
    }
  }
  const auto eliminate = [&](std::size_t row, std::size_t source, double factor) {
    for (std::size_t c = 0; c < m; ++c) b[row * m + c] -= factor * b[source * m + c];
  };
  const auto divide = [&](std::size_t row) {
    for (std::size_t c = 0; c < m; ++c) b[row * m + c] /= a[row * n + row];
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) eliminate(i, k, a[i * n + k]);
    divide(i);
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) eliminate(i, k, a[k * n + i]);
    divide(i);
  }
}

}  // namespace localis::math
