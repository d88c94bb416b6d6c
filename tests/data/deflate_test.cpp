#include <cstddef>
#include <limits>

#include <doctest/doctest.h>

#include <localis/data/deflate.hpp>

TEST_CASE("deflate: the most that bytes unfold to, without an overflow") {
  using localis::data::detail::most_inflated;
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  static_assert(most_inflated(0) == 0 && most_inflated(3) == 3096);
  CHECK(most_inflated(most / 1032) == most / 1032 * 1032);
  CHECK(most_inflated(most / 1032 + 1) == most);
  CHECK(most_inflated(most) == most);
}
