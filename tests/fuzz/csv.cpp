#include <cstddef>
#include <cstdint>
#include <optional>

#include "table.hpp"

#include <localis/data/csv.hpp>

/// A byte that chooses columns and format, and the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace ld = localis::data;
  if (size == 0) return 0;
  ld::table_columns columns;
  if ((data[0] & 3) == 1) columns = {.label = 1, .classes = 7};
  if ((data[0] & 3) == 2) columns = {.targets = {2, 0}};
  const ld::csv_format format{.separator = (data[0] & 4) != 0 ? ';' : ',', .header = (data[0] & 8) != 0};
  std::optional<ld::table> read;
  {
    const fuzz::memory_within bound((1U << 16) + 16 * size);
    ld::memory_source source({data + 1, size - 1}, "text");
    if (fuzz::refused<localis::data_error>([&] { read = ld::parse_csv(source, columns, format); })) return 0;
  }
  fuzz::check(*read, columns.classes, columns.targets.size());
  const std::size_t width = ld::shape_of(*read).size() + columns.targets.size() + (columns.label ? 1 : 0);
  fuzz::require(read->size() * width <= size, "a character or a separator for each number");
  return 0;
}
