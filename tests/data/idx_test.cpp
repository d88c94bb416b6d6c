#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "support/file_faults.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/data/idx.hpp>

namespace data = localis::data;
using bytes = std::vector<std::uint8_t>;

namespace {

bytes idx(std::uint32_t magic, const std::vector<std::uint32_t>& extents, std::size_t body) {
  bytes file;
  const auto put = [&file](std::uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(word >> shift));
  };
  put(magic);
  for (const std::uint32_t extent : extents) put(extent);
  for (std::size_t i = 0; i < body; ++i) file.push_back(static_cast<std::uint8_t>(i));
  return file;
}

const bytes good_pictures = idx(0x803, {3, 2, 4}, 24);
const bytes good_labels = idx(0x801, {3}, 3);

data::idx_file parse(const bytes& file, data::idx_kind kind, std::size_t max_bytes = ~std::size_t{0}) {
  data::memory_source source(file, "memory");
  return data::parse_idx(source, kind, max_bytes);
}

std::string message(const bytes& file, data::idx_kind kind = data::idx_kind::pictures,
                    std::size_t max_bytes = ~std::size_t{0}) {
  try {
    static_cast<void>(parse(file, kind, max_bytes));
  } catch (const localis::data_error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("sound files become a data set") {
  const temporary_folder folder;
  const data::images set =
      data::read_idx(folder.write("pictures", good_pictures), folder.write("labels", good_labels), 3);
  CHECK(set.size() == 3);
  CHECK(set.height() == 2);
  CHECK(set.width() == 4);
  CHECK(set.channels() == 1);
  CHECK(set.classes() == 3);
  std::array<float, 8> row{};
  CHECK(set.read(2, row) == 2);
  CHECK(row[0] == doctest::Approx(16.0 / 255));
  CHECK(row[7] == doctest::Approx(23.0 / 255));
}

TEST_CASE("a damaged file is refused with offset, expected and found") {
  CHECK(message(good_pictures) == "no error");
  CHECK(message(good_labels, data::idx_kind::labels) == "no error");
  CHECK(message({}) == "memory: at byte 0: expected a header of 16 bytes, found the end of the file");
  CHECK(message(idx(0x803, {3}, 0)) == "memory: at byte 8: expected a header of 16 bytes, found the end of the file");
  CHECK(message(good_labels) ==
        "memory: at byte 0: expected magic number 2051 (pictures), found an IDX file of labels");
  CHECK(message(good_pictures, data::idx_kind::labels) ==
        "memory: at byte 0: expected magic number 2049 (labels), found an IDX file of pictures");
  CHECK(message(idx(0x804, {3, 2, 4}, 24)) == "memory: at byte 0: expected magic number 2051 (pictures), found 2052");
  bytes zipped(100);
  zipped[0] = 0x1F;
  zipped[1] = 0x8B;
  CHECK(message(zipped) == "memory: at byte 0: expected magic number 2051 (pictures), found gzip data");
  const std::string page = "<!DOCTYPE html><html>not found</html>";
  CHECK(message({page.begin(), page.end()}, data::idx_kind::labels) ==
        "memory: at byte 0: expected magic number 2049 (labels), found an HTML page");
  CHECK(message(idx(0x803, {3, 2, 4}, 23)) ==
        "memory: at byte 39: expected 40 bytes in all (3 x 2 x 4 and a header), found at most 39");
  CHECK(message(idx(0x803, {3, 2, 4}, 25)) ==
        "memory: at byte 40: expected the end of the file after 40 bytes in all (3 x 2 x 4 and a header), found more "
        "bytes");
  CHECK(message(idx(0x803, {0, 2, 4}, 0)) == "memory: at byte 4: expected an extent of at least 1, found 0");
  CHECK(message(idx(0x803, {3, 2, 0}, 0)) == "memory: at byte 12: expected an extent of at least 1, found 0");
  CHECK(message(good_pictures, data::idx_kind::pictures, 39) ==
        "memory: at byte 4: expected at most max_bytes = 39, found 40 bytes in all (3 x 2 x 4 and a header)");
}

TEST_CASE("a header's word alone allocates nothing") {
  // 2^32 - 1 pictures of 2^31 x 1: does not overflow, and no machine has the memory.
  CHECK(message(idx(0x803, {0xFFFFFFFF, 0x7FFFFFFF, 1}, 8)).find("found at most 24") != std::string::npos);
  CHECK(message(idx(0x803, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, 8)) ==
        "memory: at byte 12: expected extents whose product fits in memory, found 4294967295 x 4294967295 x "
        "4294967295");
}

TEST_CASE("a source that promises more than it delivers is a truncated file") {
  struct liar {
    data::memory_source inner;
    std::size_t read(std::span<std::uint8_t> into) { return inner.read(into); }
    static std::size_t bound() { return 1000; }
    const std::string& name() const { return inner.name(); }
  };
  const bytes cut = idx(0x803, {3, 2, 4}, 20);
  liar source{data::memory_source(cut, "liar")};
  CHECK_THROWS_WITH_AS(static_cast<void>(data::parse_idx(source, data::idx_kind::pictures)),
                       "liar: at byte 36: expected 40 bytes in all (3 x 2 x 4 and a header), found the end of the file",
                       localis::data_error);
}

TEST_CASE("pictures and labels must belong together") {
  const auto pictures = [] { return parse(good_pictures, data::idx_kind::pictures); };
  const auto two = parse(idx(0x801, {2}, 2), data::idx_kind::labels);
  CHECK_THROWS_WITH_AS(static_cast<void>(data::join_idx(pictures(), two, 10)),
                       "memory: at byte 4: expected 3 labels, as many as memory has pictures, found 2",
                       localis::data_error);
  const auto labels = parse(good_labels, data::idx_kind::labels);
  CHECK_THROWS_WITH_AS(static_cast<void>(data::join_idx(pictures(), labels, 2)),
                       "memory: at byte 10: expected a label less than 2, found 2", localis::data_error);
  CHECK(data::join_idx(pictures(), labels, 3).size() == 3);
}

TEST_CASE("a missing file, a folder in its place, or a broken file is named") {
  const temporary_folder folder;
  const auto labels = folder.write("labels", good_labels);
  const auto refused = [&](const std::filesystem::path& pictures) -> std::string {
    try {
      static_cast<void>(data::read_idx(pictures, labels));
    } catch (const localis::data_error& error) {
      return error.what();
    }
    return "no error";
  };
  const auto absent = folder.path / "absent";
  CHECK(refused(absent) == absent.string() + ": expected a readable file, found: No such file or directory");
  CHECK(refused(folder.path) == folder.path.string() + ": expected a readable file, found: Is a directory");
  const auto cut = folder.write("cut", idx(0x803, {3, 2, 4}, 5));
  CHECK(refused(cut) ==
        cut.string() + ": at byte 21: expected 40 bytes in all (3 x 2 x 4 and a header), found at most 21");
}

TEST_CASE("a file that is cut or grows between opening and reading is one clear error") {
  const temporary_folder folder;
  const auto path = folder.write("pictures", good_pictures);
  const auto read = [&](data::file_source& source) -> std::string {
    try {
      static_cast<void>(data::parse_idx(source, data::idx_kind::pictures));
    } catch (const localis::data_error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string what = "40 bytes in all (3 x 2 x 4 and a header)";
  data::file_source cut(path);
  std::filesystem::resize_file(path, 21);
  CHECK(read(cut) == path.string() + ": at byte 21: expected " + what + ", found the end of the file");
  folder.write("pictures", good_pictures);
  data::file_source grown(path);
  std::filesystem::resize_file(path, 41);
  CHECK(read(grown) ==
        path.string() + ": at byte 40: expected the end of the file after " + what + ", found more bytes");
  folder.write("pictures", good_pictures);
  data::file_source gone(path);
  std::filesystem::remove(path);
  CHECK(read(gone) == "no error");  // an open file stays
}

TEST_CASE("a file that may not be read says so") {
  const temporary_folder folder;
  const auto path = folder.write("pictures", good_pictures);
  const file_faults::permissions none(path, std::filesystem::perms::none);
  const std::string message = file_faults::refusal_as_nobody([&] { const data::file_source source(path); });
  if (!message.empty()) CHECK(message == path.string() + ": expected a readable file, found: Permission denied");
}
