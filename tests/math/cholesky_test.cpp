#include <cstddef>
#include <vector>

#include <Eigen/Cholesky>
#include <doctest/doctest.h>

#include <localis/core/random.hpp>
#include <localis/math/cholesky.hpp>

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

TEST_CASE("cholesky: a system solved by hand") {
  std::vector<double> a{4, 2, 2, 10};
  std::vector<double> b{8, 4, 22, 2};
  localis::math::solve_positive_definite(a, 2, b, 2);
  CHECK(b == std::vector<double>{1, 1, 2, 0});
}

TEST_CASE("cholesky: the solution is that of Eigen") {
  const localis::random_stream random(3);
  for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    const std::size_t m = 2 * n + 1;
    const auto size = [](std::size_t count) { return static_cast<Eigen::Index>(count); };
    matrix root(size(n), size(n));
    matrix right(size(n), size(m));
    for (std::size_t i = 0; i < n * n; ++i) root.data()[i] = random.uniform(i) - 0.5;
    for (std::size_t i = 0; i < n * m; ++i) right.data()[i] = random.uniform(n * n + i) - 0.5;
    const matrix system = root * root.transpose() + 0.1 * matrix::Identity(size(n), size(n));
    std::vector<double> a(system.data(), system.data() + n * n);
    std::vector<double> b(right.data(), right.data() + n * m);
    localis::math::solve_positive_definite(a, n, b, m);
    const matrix expected = system.llt().solve(right);
    CAPTURE(n);
    CHECK((Eigen::Map<const matrix>(b.data(), size(n), size(m)) - expected).norm() < 1e-10 * expected.norm());
  }
}
