#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "fuzz.hpp"

#include <localis/data/cifar.hpp>

namespace {

/// Every byte of the file is found again, where the format says it stands.
void check_records(const localis::data::images& read, fuzz::bytes file, std::size_t label_bytes, std::size_t chosen) {
  constexpr std::size_t plane = 1024;
  const std::size_t record = label_bytes + 3 * plane;
  fuzz::require(localis::data::shape_of(read) == localis::shape{32, 32, 3}, "pictures of 32x32x3");
  fuzz::require(read.size() * record == file.size(), "all records");
  for (std::size_t i = 0; i < read.size(); ++i) {
    const fuzz::bytes own = file.subspan(i * record, record);
    fuzz::require(read.labels()[i] == own[chosen], "the label of the record");
    for (std::size_t p = 0; p < plane; ++p)
      for (std::size_t c = 0; c < 3; ++c)
        fuzz::require(read.pixels()[(i * plane + p) * 3 + c] == own[label_bytes + c * plane + p],
                      "the pixels of the record");
  }
}

}  // namespace

/// A file of records; for the reader of a whole folder, the first of its files, and too short.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace ld = localis::data;
  static const fuzz::file file("data_batch_1.bin");
  const fuzz::bytes content{data, size};
  const std::array<std::filesystem::path, 1> paths = {file.holds(content)};
  const auto check = [&](std::size_t classes, std::size_t label_bytes, std::size_t chosen, const auto& read_file) {
    ld::images read;
    {
      const fuzz::memory_within bound((1U << 16) + 4 * size);
      if (fuzz::refused<localis::data_error>([&] { read = read_file(); })) return;
    }
    fuzz::check(read, classes);
    check_records(read, content, label_bytes, chosen);
  };
  check(10, 1, 0, [&] { return ld::read_cifar10(paths); });
  check(20, 2, 0, [&] { return ld::read_cifar100(paths, ld::cifar100_label::coarse); });
  check(100, 2, 1, [&] { return ld::read_cifar100(paths, ld::cifar100_label::fine); });

  const fuzz::memory_within bound((1U << 16) + 4 * size);
  const bool whole = fuzz::refused<localis::data_error>([&] { (void)ld::cifar10(file.path.parent_path()); });
  fuzz::require(whole, "a file of too few records to be refused");
  return 0;
}
