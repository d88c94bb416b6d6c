#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/reduction.hpp>
#include <localis/kernel/update.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;
namespace kernel = lo::kernel;

namespace {

using direction = kernel::gradient_direction<double>;

/// Returns the factor of a step, which only its direction and its weights determine.
template <template <class, class> class Factor>
double factor_of(const std::vector<double>& gradient, const std::vector<double>& weight, double gain,
                 std::size_t columns = 2) {
  double factor = -1;
  const Factor<double, direction> f{weight.data(), {columns}, {gradient.data(), columns}, &gain, &factor};
  kernel::numbers_of<decltype(f)> all{};
  for (std::size_t row = 0; row < gradient.size() / columns; ++row) kernel::combine<f.kind>(all, f(row));
  f.finish(all);
  return factor;
}

}  // namespace

TEST_CASE("max_abs_step: what is not a number is not hidden by the numbers behind it") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> weight(6, 1);
  CHECK(factor_of<kernel::peak_factor>({1, -5, 2, 3, 0, 1}, weight, 2) == 0.4);
  CHECK(std::isnan(factor_of<kernel::peak_factor>({1, 5, 2, 3, nan, 1}, weight, 2)));
  CHECK(std::isnan(factor_of<kernel::peak_factor>({1, nan, 2, 3, 5, 1}, weight, 2)));
  CHECK(factor_of<kernel::peak_factor>({0, 0, 0, 0, 0, 0}, weight, 2) == 0);
}
TEST_CASE("max_abs_step: the largest of a long row, wherever it lies") {
  const std::vector<double> weight(40, 1);
  for (std::size_t place = 0; place < weight.size(); ++place) {
    std::vector<double> gradient(40, 1);
    gradient[place] = -4;
    CHECK(factor_of<kernel::peak_factor>(gradient, weight, 2, 40) == 0.5);
    gradient[place] = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(factor_of<kernel::peak_factor>(gradient, weight, 2, 40)));
  }
}

TEST_CASE("relative_step: the norms are those of the whole matrix") {
  CHECK(factor_of<kernel::relative_factor>({3, 0, 0, 4}, {0, 6, 8, 0}, 2) == 4);
  CHECK(factor_of<kernel::relative_factor>({0, 0, 0, 0}, {0, 6, 8, 0}, 2) == 0);
}

TEST_CASE("guarded_direction: rows with a negative scale are counted once, and limited if wanted") {
  using step = lo::optimizer::plain::step<double>;
  using guarded = kernel::guarded_direction<double>;
  using update = kernel::apply_update<double, guarded, step, lo::rule::no_constraint>;
  const std::vector<double> sum(8, 0);
  const std::vector<double> forget{1, 3, 4, 2};
  for (const bool clip : {false, true}) {
    for (const std::size_t threads : {std::size_t{1}, std::size_t{2}}) {
      std::vector<double> weight(8, 1);
      std::vector<double> statistics{-1, 5};
      const guarded direction{{sum.data(), forget.data(), 0.5, 0.5, 2}, {0.5}, clip};  // c: 1, 2, 2.5, 1.5
      const update f{weight.data(), {}, {2, threads}, direction, {}, {0.5}, {}, statistics.data()};
      kernel::numbers_of<update> all{};
      for (std::size_t part = 0; part < 4 * threads; ++part) kernel::combine<kernel::reduction::sum>(all, f(part));
      f.finish(all);
      CHECK(statistics[1] == 6);
      CHECK(weight == std::vector<double>{0.5, 0.5, 0, 0, clip ? 0 : -0.25, clip ? 0 : -0.25, 0.25, 0.25});
      CHECK(statistics[0] == 2 * (0.25 + 1 + (clip ? 1 : 1.5625) + 0.5625));
    }
  }
}
