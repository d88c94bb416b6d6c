#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include <localis/kernel/divide.hpp>

using localis::kernel::divide;
using localis::kernel::divider;
using localis::kernel::most_rows;
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

TEST_CASE("divider is / and %, for every divisor at every border") {
  std::vector<std::size_t> divisors;
  for (std::size_t d = 1; d < 3000; ++d) divisors.push_back(d);
  for (std::size_t power = 4096; power <= most_rows; power *= 2) {
    for (const std::size_t d : {power - 1, power, power + 1}) divisors.push_back(d);
  }
  for (const std::size_t d : {most_rows / 3, most_rows / 2, most_rows / 2 + 1, most_rows - 1, most_rows}) {
    divisors.push_back(d);
  }
  std::size_t wrong = 0;
  for (const std::size_t d : divisors) {
    const divider by(d);
    const auto check = [&](std::size_t a) {
      if (a > most_rows) return;
      const divider::result found = by(static_cast<std::uint32_t>(a));
      wrong += found.whole != a / d || found.remainder != a % d;
    };
    // Where the quotient changes: at the first multiples, at the last ones, and at some between.
    for (const std::size_t multiple : {std::size_t{0}, d, 2 * d, most_rows / d / 3 * d, most_rows / d / 2 * d,
                                       (most_rows / d - 1) * d, most_rows / d * d}) {
      check(multiple);
      check(multiple + 1);
      check(multiple + d - 1);
    }
    check(most_rows - 1);
    check(most_rows);
  }
  CHECK(wrong == 0);
  static_assert(divider(5)(17).whole == 3 && divider(5)(17).remainder == 2);
  static_assert(divider()(17).whole == 17 && divider()(17).remainder == 0);
}
