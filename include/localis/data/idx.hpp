#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/data/dataset.hpp>

/// IDX, the format of MNIST and its relatives: big-endian 32-bit words (magic, extents), then bytes. A header is
/// trusted only if the size of the file agrees with it; no memory is allocated before that check.
namespace localis::data {

/// A source of bytes. `read` fills the span and returns the number of bytes read, which is smaller only at the end.
/// `bound()` is an upper bound on the bytes of the whole source. `name()` is for messages.
template <class Source>
concept byte_source = requires(Source source, const Source& fixed, std::span<std::uint8_t> bytes) {
  { source.read(bytes) } -> std::convertible_to<std::size_t>;
  { fixed.bound() } -> std::convertible_to<std::size_t>;
  { fixed.name() } -> std::convertible_to<std::string>;
};

/// The bytes of an uncompressed file.
class file_source {
 public:
  /// Errors: data_error if there is no such regular file, or it cannot be read.
  explicit file_source(const std::filesystem::path& path)
      : name_(path.string()), size_(localis::detail::open_to_read(path, file_)) {}

  std::size_t read(std::span<std::uint8_t> bytes) {
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return static_cast<std::size_t>(file_.gcount());
  }

  [[nodiscard]] std::size_t bound() const { return size_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::ifstream file_;  ///< before its size: see the constructor
  std::size_t size_;
};

/// Bytes in memory, which are not copied.
class memory_source {
 public:
  memory_source(std::span<const std::uint8_t> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  std::size_t read(std::span<std::uint8_t> bytes) {
    const std::size_t count = (std::min)(bytes.size(), bytes_.size() - position_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(position_), count, bytes.begin());
    position_ += count;
    return count;
  }

  [[nodiscard]] std::size_t bound() const { return bytes_.size(); }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::string name_;
  std::size_t position_ = 0;
};

/// The two kinds of files that a data set has.
enum class idx_kind { pictures, labels };

/// The content of one valid file.
struct idx_file {
  std::string name;
  std::size_t header_bytes = 0;
  std::size_t count = 0;
  std::size_t height = 1;  ///< 1 for labels
  std::size_t width = 1;   ///< 1 for labels
  std::vector<std::uint8_t> body;
};

/// Reads one IDX file of unsigned bytes: three extents (count, rows, columns) for pictures, one for labels.
/// @param max_bytes  a file with more is refused, whatever the header and the source say
/// Errors: data_error with name, byte offset, expected and found, for a short header, wrong magic, an extent of zero,
/// extents whose product overflows, too few bytes, too many bytes.
template <byte_source Source>
[[nodiscard]] idx_file parse_idx(Source& source, idx_kind kind,
                                 std::size_t max_bytes = (std::numeric_limits<std::size_t>::max)()) {
  const std::size_t extents = kind == idx_kind::pictures ? 3 : 1;
  idx_file file;
  file.name = source.name();
  file.header_bytes = 4 + 4 * extents;

  std::array<std::uint8_t, 16> header{};
  const std::size_t got = source.read(std::span<std::uint8_t>(header.data(), file.header_bytes));
  const auto big_endian = [&header](std::size_t offset) {
    return std::uint32_t{header[offset]} << 24 | std::uint32_t{header[offset + 1]} << 16 |
           std::uint32_t{header[offset + 2]} << 8 | std::uint32_t{header[offset + 3]};
  };
  const std::uint32_t magic = 0x00000800 + static_cast<std::uint32_t>(extents);
  if (got >= 4 && big_endian(0) != magic) {
    std::array<std::uint8_t, localis::detail::kind_bytes> first{};
    std::copy(header.begin(), header.end(), first.begin());
    const std::size_t more = got < file.header_bytes ? 0 : source.read(std::span(first).subspan(got));
    throw data_error(file.name, 0,
                     text("magic number ", magic, kind == idx_kind::pictures ? " (pictures)" : " (labels)"),
                     localis::detail::found_kind(std::span(first).first(got + more), text(big_endian(0))));
  }
  if (got < file.header_bytes)
    throw data_error(file.name, got, text("a header of ", file.header_bytes, " bytes"), "the end of the file");

  std::size_t body = 1;
  std::string product;
  for (std::size_t i = 0; i < extents; ++i) {
    const std::size_t extent = big_endian(4 + 4 * i);
    if (extent == 0) throw data_error(file.name, 4 + 4 * i, "an extent of at least 1", "0");
    product += text(i == 0 ? "" : " x ", extent);
    if (extent > ((std::numeric_limits<std::size_t>::max)() - file.header_bytes) / body)
      throw data_error(file.name, 4 + 4 * i, "extents whose product fits in memory", product);
    body *= extent;
  }
  const std::size_t total = file.header_bytes + body;
  const std::string expected = text(total, " bytes in all (", product, " and a header)");
  if (total > max_bytes) throw data_error(file.name, 4, text("at most max_bytes = ", max_bytes), expected);
  if (total > source.bound()) throw data_error(file.name, source.bound(), expected, text("at most ", source.bound()));

  file.count = big_endian(4);
  if (kind == idx_kind::pictures) {
    file.height = big_endian(8);
    file.width = big_endian(12);
  }
  file.body.resize(body);
  const std::size_t read = source.read(file.body);
  if (read < body) throw data_error(file.name, file.header_bytes + read, expected, "the end of the file");
  std::uint8_t extra = 0;
  if (source.read(std::span<std::uint8_t>(&extra, 1)) != 0)
    throw data_error(file.name, total, text("the end of the file after ", expected), "more bytes");
  return file;
}

/// Joins pictures and labels to one data set; the pixels are moved, not copied.
/// Errors: data_error if the counts disagree or a label is not a class.
[[nodiscard]] inline images join_idx(idx_file pictures, const idx_file& labels, std::size_t classes) {
  if (labels.count != pictures.count)
    throw data_error(labels.name, 4, text(pictures.count, " labels, as many as ", pictures.name, " has pictures"),
                     text(labels.count));
  for (std::size_t i = 0; i < labels.count; ++i)
    if (labels.body[i] >= classes)
      throw data_error(labels.name, labels.header_bytes + i, text("a label less than ", classes),
                       text(unsigned{labels.body[i]}));
  return images({pictures.height, pictures.width, 1}, std::move(pictures.body),
                std::vector<std::uint32_t>(labels.body.begin(), labels.body.end()), classes);
}

/// Reads a data set from two raw IDX files; pixels are scaled to [0, 1].
/// Errors: data_error, see parse_idx and join_idx.
[[nodiscard]] inline images read_idx(const std::filesystem::path& images_path, const std::filesystem::path& labels_path,
                                     std::size_t classes = 10) {
  file_source labels(labels_path);
  file_source pictures(images_path);
  const idx_file label_file = parse_idx(labels, idx_kind::labels);
  return join_idx(parse_idx(pictures, idx_kind::pictures), label_file, classes);
}

}  // namespace localis::data
