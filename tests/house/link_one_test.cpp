#include "every_header.hpp"
#include "link_two.hpp"
#include <doctest/doctest.h>

// Linking is the test: a function in a header that is neither inline nor a template is defined twice here.
TEST_CASE("two translation units that include every header link into one program") {
  CHECK(house::version_in_the_other_unit() ==
        10000 * LOCALIS_VERSION_MAJOR + 100 * LOCALIS_VERSION_MINOR + LOCALIS_VERSION_PATCH);
}
