#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/model/all_finite.hpp>

namespace {

/// As much of a backend as the question needs; where the host cannot read its memory, it counts what is downloaded.
template <bool HostAccessible>
struct memory_only {
  using scalar = float;
  struct memory {
    static constexpr bool host_accessible = HostAccessible;
  };
  std::size_t* downloaded;
  void download(const float* from, std::span<float> to) const {
    std::copy(from, from + to.size(), to.begin());
    *downloaded += to.size();
  }
};

}  // namespace

TEST_CASE("all_finite: every place of an array, in the host's memory or a piece at a time") {
  constexpr std::size_t piece = std::size_t{1} << 20;
  std::vector<float> array(2 * piece + 3, 1.0F);
  std::size_t downloaded = 0;
  const memory_only<true> host{&downloaded};
  const memory_only<false> device{&downloaded};
  CHECK(localis::detail::all_finite(host, array));
  CHECK(downloaded == 0);
  CHECK(localis::detail::all_finite(device, array));
  CHECK(downloaded == array.size());
  for (const std::size_t place : {std::size_t{0}, piece - 1, piece, 2 * piece, array.size() - 1}) {
    CAPTURE(place);
    array[place] = std::numeric_limits<float>::infinity();
    CHECK(!localis::detail::all_finite(host, array));
    CHECK(!localis::detail::all_finite(device, array));
    array[place] = 1.0F;
  }
  CHECK(localis::detail::all_finite(device, std::span<const float>{}));
}
