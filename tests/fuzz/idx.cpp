#include "idx.hpp"

#include <cstddef>
#include <cstdint>

#include <localis/data/idx.hpp>

/// Two files: labels, pictures.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t classes = 10;
  static const fuzz::file labels("labels");
  static const fuzz::file pictures("pictures");
  const auto [first, second] = fuzz::two({data, size});
  labels.holds(first);
  pictures.holds(second);

  localis::data::images read;
  {
    const fuzz::memory_within bound((1U << 16) + 8 * size);
    if (fuzz::refused<localis::data_error>(
            [&] { read = localis::data::read_idx(pictures.path, labels.path, classes); }))
      return 0;
  }
  fuzz::check(read, classes);
  fuzz::require(std::ranges::equal(fuzz::idx_of_labels(read), first), "the labels of the file");
  fuzz::require(std::ranges::equal(fuzz::idx_of_pictures(read), second), "the pictures of the file");
  return 0;
}
