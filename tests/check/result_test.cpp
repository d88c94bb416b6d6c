#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include <localis/check/result.hpp>

namespace {

std::string printed(const localis::check::result& found) {
  std::ostringstream out;
  out << found;
  return out.str();
}

}  // namespace

TEST_CASE("check::result: true where the check passed, and what it prints") {
  localis::check::result found;
  found.deviation = 0.25;
  CHECK(static_cast<bool>(found));
  CHECK(printed(found) == "passed, largest deviation 0.25");
  found.passed = false;
  found.message = "weight 3: expected 1, found 2";
  CHECK(!static_cast<bool>(found));
  CHECK(printed(found) == "weight 3: expected 1, found 2");
}
