#include "link_two.hpp"

#include "every_header.hpp"

int house::version_in_the_other_unit() {
  return 10000 * LOCALIS_VERSION_MAJOR + 100 * LOCALIS_VERSION_MINOR + LOCALIS_VERSION_PATCH;
}
