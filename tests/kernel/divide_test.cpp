#include <cstddef>
#include <initializer_list>

#include <doctest/doctest.h>

#include <localis/kernel/divide.hpp>

using localis::kernel::divide;
using localis::kernel::quotient;

TEST_CASE("divide is / and %, up to the last of 32 bits") {
  constexpr std::size_t last = 0xFFFFFFFF;
  for (const std::size_t a : {std::size_t{0}, std::size_t{7}, last / 2, last / 2 + 1, last - 1, last}) {
    for (const std::size_t b : {std::size_t{1}, std::size_t{3}, last / 2 + 1, last - 1, last}) {
      CAPTURE(a);
      CAPTURE(b);
      const quotient found = divide(a, b);
      CHECK(found.whole == a / b);
      CHECK(found.remainder == a % b);
    }
  }
  static_assert(divide(17, 5).whole == 3 && divide(17, 5).remainder == 2);
}
