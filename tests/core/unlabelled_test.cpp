#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/unlabelled.hpp>

namespace data = localis::data;

TEST_CASE("unlabelled: every sample but those of the mark counts, and all do where there are no labels") {
  CHECK(data::labelled_samples(std::vector<std::uint32_t>{3, data::unlabelled, 0}, 3) == 2);
  CHECK(data::labelled_samples(std::vector<std::uint32_t>{data::unlabelled}, 1) == 0);
  CHECK(data::labelled_samples({}, 7) == 7);
}
