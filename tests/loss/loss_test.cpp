#include <cstddef>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <localis/loss/loss.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>

namespace ll = localis::loss;

namespace {

/// A loss of one's own: the sum of absolute differences.
struct absolute {
  template <class T>
  constexpr T sample(const T* output, std::size_t size, const ll::target<T>& wanted, T* gradient, T share) const {
    T sum = 0;
    for (std::size_t k = 0; k < size; ++k) {
      const T off = output[k] - wanted.values[k];
      sum += off < 0 ? -off : off;
      gradient[k] = off < 0 ? -share : share;
    }
    return sum;
  }
};
struct without_gradient {
  template <class T>
  constexpr T sample(const T* output, std::size_t) const {
    return output[0];
  }
};
struct takes_alone : absolute {
  static constexpr const char* takes = "rows of numbers >= 0";
};
struct takes_rows : takes_alone {
  template <class T>
  constexpr bool takes_row(const T* values, std::size_t) const {
    return values[0] >= 0;
  }
};
struct takes_one_number : takes_alone {
  bool takes_row(double value) const { return value >= 0; }
};

static_assert(ll::loss<ll::mean_squared_error> && ll::loss<ll::softmax_cross_entropy> && ll::loss<absolute>);
static_assert(!ll::loss<without_gradient> && !ll::loss<int>);
static_assert(ll::has_takes<ll::softmax_cross_entropy> && ll::has_takes<takes_rows> && !ll::has_takes<absolute>);
static_assert(ll::optional_members_fit<absolute> && ll::optional_members_fit<takes_rows>);
static_assert(!ll::optional_members_fit<takes_alone> && !ll::optional_members_fit<takes_one_number>);

}  // namespace

TEST_CASE("loss: all_finite finds the one that is not, wherever it stands") {
  const std::vector<double> good{0, -1e308, 5};
  CHECK(ll::all_finite(good.data(), 3));
  CHECK(ll::all_finite(good.data(), 0));
  for (std::size_t place = 0; place < 3; ++place) {
    for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
      std::vector<double> row = good;
      row[place] = bad;
      CHECK(!ll::all_finite(row.data(), 3));
      CHECK(ll::all_finite(row.data(), place));
    }
  }
}
