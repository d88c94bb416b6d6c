#include <cstddef>

#include <doctest/doctest.h>

#include <localis/kernel/rows.hpp>

namespace {

struct whole {
  std::size_t* seen;
  constexpr void operator()(std::size_t row) const { *seen = 100 + row; }
};
struct stretch {
  std::size_t* seen;
  constexpr void operator()(std::size_t row, std::size_t begin, std::size_t end) const {
    *seen = 100 * row + 10 * begin + end;
  }
};

}  // namespace

TEST_CASE("run_row: a kernel of whole rows has the row alone, any other all of its columns") {
  static_assert(localis::takes_whole_rows<whole> && !localis::takes_whole_rows<stretch>);
  std::size_t seen = 0;
  localis::run_row(whole{&seen}, 3, 7);
  CHECK(seen == 103);
  localis::run_row(stretch{&seen}, 3, 7);
  CHECK(seen == 307);
}
