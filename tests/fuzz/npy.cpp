#include <cstddef>
#include <cstdint>
#include <optional>

#include "table.hpp"

#include <localis/data/npy.hpp>

/// Two files: features, and labels or targets; the first is also read alone, whole and with a column of labels.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace ld = localis::data;
  const auto files = fuzz::two({data, size});
  const auto parse = [](fuzz::bytes content) {
    ld::memory_source source(content, "array");
    return ld::parse_npy(source);
  };
  std::optional<ld::npy_file> features;
  std::optional<ld::npy_file> goals;
  {
    const fuzz::memory_within bound((1U << 16) + 4 * size);
    if (fuzz::refused<localis::data_error>([&] { features = parse(files.first); })) return 0;
    fuzz::require(features->header_bytes + features->body.size() == files.first.size(), "all bytes of the file");
    if (fuzz::refused<localis::data_error>([&] { goals = parse(files.second); })) goals.reset();
  }
  std::optional<ld::table> read;
  const auto check = [&](std::size_t classes, bool targets, const auto& join) {
    {
      const fuzz::memory_within bound((1U << 16) + 16 * size);
      if (fuzz::refused<localis::data_error>([&] { read = join(); })) return;
    }
    fuzz::check(*read, classes, targets ? goals->size() / goals->extents[0] : 0);
    fuzz::require(read->size() == features->extents[0], "a sample for each row");
  };
  check(0, false, [&] { return ld::join_npy(*features); });
  check(5, false, [&] { return ld::join_npy(*features, {.label = 0, .classes = 5}); });
  if (!goals) return 0;
  check(5, false, [&] { return ld::join_npy(*features, *goals, 5); });
  check(0, true, [&] { return ld::join_npy(*features, *goals, 0); });
  return 0;
}
