#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/shape.hpp>
#include <localis/data/idx.hpp>
#include <localis/data/table.hpp>

/// The files in which NumPy stores one array: versions 1 to 3, little-endian numbers of the types f4, f8, u1, i4 and
/// i8, in C order. A header is trusted only if the size of the file agrees with it; no memory is allocated before that
/// check.
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
namespace localis::data {

/// The content of one valid file.
struct npy_file {
  enum class number { f4, f8, u1, i4, i8 };

  std::string name;
  std::size_t header_bytes = 0;
  std::vector<std::size_t> extents;
  number type = number::f4;
  std::vector<std::uint8_t> body;

  [[nodiscard]] static constexpr std::size_t bytes_of(number type) {
    return type == number::u1 ? 1 : type == number::f4 || type == number::i4 ? 4 : 8;
  }
  [[nodiscard]] std::size_t size() const { return body.size() / bytes_of(type); }

  /// Number `index`, in C order; i8 beyond 2^53 is rounded.
  [[nodiscard]] double operator[](std::size_t index) const {
    const std::size_t bytes = bytes_of(type);
    std::uint64_t bits = 0;
    for (std::size_t i = bytes; i-- > 0;) bits = bits << 8 | body[index * bytes + i];
    switch (type) {
      case number::f4:
        return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
      case number::f8:
        return std::bit_cast<double>(bits);
      case number::u1:
        return static_cast<double>(bits);
      case number::i4:
        return static_cast<double>(std::bit_cast<std::int32_t>(static_cast<std::uint32_t>(bits)));
      case number::i8:
        return static_cast<double>(std::bit_cast<std::int64_t>(bits));
    }
    return 0;
  }
};

namespace detail {

/// Reads the dictionary of a header, a literal of Python: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class npy_header {
 public:
  npy_header(const npy_file& file, std::string_view header, std::size_t offset)
      : name_(file.name), header_(header), offset_(offset) {}

  /// Fills type and extents.
  void read(npy_file& file) {
    std::array<bool, 3> seen{};
    const auto once = [&](std::size_t key) {
      if (std::exchange(seen[key], true)) fail("each key once");
    };
    expect_one('{');
    while (peek() != '}') {
      const std::string_view key = quoted();
      expect_one(':');
      if (key == "descr") {
        once(0);
        file.type = type();
      } else if (key == "fortran_order") {
        once(1);
        if (!take("False")) fail("False, since numbers must be in C order (numpy.ascontiguousarray)");
      } else if (key == "shape") {
        once(2);
        file.extents = extents();
      } else {
        fail("the key 'descr', 'fortran_order' or 'shape' before it");
      }
      if (peek() != '}') expect_one(',');
    }
    expect_one('}');
    skip_blanks();
    if (header_.substr(place_) != "\n") fail("a line that ends behind the dictionary");
    if (seen != std::array{true, true, true}) fail("all of 'descr', 'fortran_order' and 'shape' before it");
  }

 private:
  [[noreturn, gnu::cold]] void fail(const std::string& expected) const {
    constexpr std::size_t longest = 24;
    std::string rest;
    for (const char letter : header_.substr(place_, longest)) rest += letter >= ' ' && letter <= '~' ? letter : '?';
    throw data_error(std::string(name_), offset_ + place_, expected,
                     rest.empty() ? "the end of the header" : text('"', rest, '"'));
  }
  void skip_blanks() {
    while (place_ < header_.size() && header_[place_] == ' ') ++place_;
  }
  [[nodiscard]] char peek() {
    skip_blanks();
    return place_ < header_.size() ? header_[place_] : '\0';
  }
  [[nodiscard]] bool take(std::string_view wanted) {
    skip_blanks();
    if (!header_.substr(place_).starts_with(wanted)) return false;
    place_ += wanted.size();
    return true;
  }
  void expect_one(char wanted) {
    if (!take({&wanted, 1})) fail(text('\'', wanted, '\''));
  }
  [[nodiscard]] std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a name in quotes");
    const std::size_t end = header_.find(quote, place_ + 1);
    if (end == std::string_view::npos) fail("a name in quotes");
    const std::string_view name = header_.substr(place_ + 1, end - place_ - 1);
    place_ = end + 1;
    return name;
  }
  [[nodiscard]] npy_file::number type() {
    using number = npy_file::number;
    static constexpr std::pair<std::string_view, number> known[] = {
        {"<f4", number::f4}, {"<f8", number::f8}, {"|u1", number::u1}, {"<i4", number::i4}, {"<i8", number::i8}};
    skip_blanks();
    for (const auto& [descr, type] : known)
      for (const char quote : {'\'', '"'})
        if (take(quote + std::string(descr) + quote)) return type;
    fail("a type of '<f4', '<f8', '|u1', '<i4' and '<i8'");
  }
  [[nodiscard]] std::vector<std::size_t> extents() {
    std::vector<std::size_t> result;
    expect_one('(');
    while (peek() != ')') {
      if (result.size() == most_extents) fail(text("at most ", most_extents, " extents"));
      std::size_t extent = 0;
      const std::size_t first = place_;
      for (; place_ < header_.size() && header_[place_] >= '0' && header_[place_] <= '9'; ++place_) {
        if (extent > ((std::numeric_limits<std::size_t>::max)() - 9) / 10) fail("an extent that fits in memory");
        extent = 10 * extent + static_cast<std::size_t>(header_[place_] - '0');
      }
      if (place_ == first || extent == 0) {
        place_ = first;
        fail("an extent of at least 1");
      }
      result.push_back(extent);
      if (peek() != ')') expect_one(',');
    }
    if (result.empty()) fail("an extent: one number alone is no data set");
    expect_one(')');
    return result;
  }

  static constexpr std::size_t most_extents = 4;

  std::string_view name_;
  std::string_view header_;
  std::size_t offset_;  ///< of the header in the file
  std::size_t place_ = 0;
};

}  // namespace detail

/// Reads one file of 1 to 4 extents.
/// Errors: data_error with name, byte offset, expected and found, for what is not stated above.
template <byte_source Source>
[[nodiscard]] npy_file parse_npy(Source& source) {
  npy_file file;
  file.name = source.name();
  constexpr std::string_view magic = "\x93NUMPY";
  std::array<std::uint8_t, 12> start{};
  const auto read = [&](std::span<std::uint8_t> bytes, std::size_t offset, const std::string& expected) {
    const std::size_t got = source.read(bytes);
    if (got < bytes.size()) throw data_error(file.name, offset + got, expected, "the end of the file");
  };
  const std::size_t got = source.read(std::span(start).first(10));
  const std::string_view begins(reinterpret_cast<const char*>(start.data()), got);
  if (!begins.starts_with(magic))
    throw data_error(file.name, 0, "a NumPy array (\\x93NUMPY)",
                     localis::detail::found_kind(std::span(start).first(got), "another beginning"));
  if (got < 10) throw data_error(file.name, got, "a header of 10 bytes or more", "the end of the file");
  const unsigned version = start[6];
  if (version < 1 || version > 3 || start[7] != 0)
    throw data_error(file.name, 6, "version 1.0, 2.0 or 3.0", text(version, '.', unsigned{start[7]}));
  const std::size_t fixed = version == 1 ? 10 : 12;
  if (version > 1) read(std::span(start).subspan(10, 2), 10, "a header of 12 bytes or more");
  std::size_t length = 0;
  for (std::size_t i = fixed; i-- > 8;) length = length << 8 | start[i];
  if (length > source.bound() || fixed + length > source.bound())
    throw data_error(file.name, 8, text("a header within the ", source.bound(), " bytes of the file"),
                     text("one of ", length, " bytes"));
  std::string header(length, '\0');
  read({reinterpret_cast<std::uint8_t*>(header.data()), length}, fixed, text("a header of ", length, " bytes"));
  detail::npy_header(file, header, fixed).read(file);
  file.header_bytes = fixed + length;

  std::size_t bytes = npy_file::bytes_of(file.type);
  for (const std::size_t extent : file.extents) {
    if (extent > ((std::numeric_limits<std::size_t>::max)() - file.header_bytes) / bytes)
      throw data_error(file.name, fixed, "extents whose product fits in memory", text(extent, " as one of them"));
    bytes *= extent;
  }
  const std::size_t total = file.header_bytes + bytes;
  const std::string expected = text(total, " bytes in all, as the header says");
  if (total > source.bound()) throw data_error(file.name, source.bound(), expected, text("at most ", source.bound()));
  file.body.resize(bytes);
  read(file.body, file.header_bytes, expected);
  std::uint8_t extra = 0;
  if (source.read(std::span<std::uint8_t>(&extra, 1)) != 0)
    throw data_error(file.name, total, text("the end of the file after ", expected), "more bytes");
  return file;
}

namespace detail {

/// All numbers of a file as floats. Errors: data_error for a number that is not finite as a float.
[[nodiscard]] inline std::vector<float> floats_of(const npy_file& file) {
  std::vector<float> floats(file.size());
  constexpr auto largest = static_cast<double>((std::numeric_limits<float>::max)());
  for (std::size_t i = 0; i < floats.size(); ++i) {
    const double number = file[i];
    if (!(number >= -largest && number <= largest))
      throw data_error(file.name, file.header_bytes + i * npy_file::bytes_of(file.type),
                       "a finite number of float's range", text(number));
    floats[i] = static_cast<float>(number);
  }
  return floats;
}

/// The shape of a sample: extents (N), (N, values), (N, height, width) or (N, height, width, channels).
[[nodiscard]] inline shape sample_shape(const npy_file& file) {
  const auto& e = file.extents;
  switch (e.size()) {
    case 1:
      return {1, 1, 1};
    case 2:
      return {1, 1, e[1]};
    case 3:
      return {e[1], e[2], 1};
    default:
      return {e[1], e[2], e[3]};
  }
}

}  // namespace detail

/// Makes a data set of one array: see read_npy.
[[nodiscard]] inline table join_npy(const npy_file& file, const table_columns& columns = {}) {
  columns.validate();
  if (!columns.label && columns.targets.empty()) return table(detail::sample_shape(file), detail::floats_of(file));
  if (file.extents.size() != 2)
    throw data_error(text(file.name, ": expected a matrix, since columns are labels or targets, found ",
                          file.extents.size(), " extents"));
  return detail::split_columns(file.name, detail::floats_of(file), file.extents[1], columns,
                               [](std::size_t row) { return text("row ", row); });
}

/// Makes a data set of two arrays: see read_npy.
[[nodiscard]] inline table join_npy(const npy_file& features, const npy_file& goals, std::size_t classes) {
  const std::size_t samples = features.extents[0];
  if (goals.extents[0] != samples || goals.extents.size() > (classes > 0 ? 1 : 2))
    throw data_error(text(goals.name, ": expected ", classes > 0 ? "an array" : "an array or a matrix", " of ", samples,
                          " rows, as many as ", features.name, " has, found ", goals.extents.size(), " extents and ",
                          goals.extents[0], " rows"));
  if (classes == 0)
    return table(detail::sample_shape(features), detail::floats_of(features), detail::floats_of(goals),
                 goals.size() / samples);
  std::vector<std::uint32_t> labels(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const auto label = detail::label_of(goals[i], classes);
    if (!label)
      throw data_error(goals.name, goals.header_bytes + i * npy_file::bytes_of(goals.type),
                       text("a class less than ", classes, ", or -1"), text(goals[i]));
    labels[i] = *label;
  }
  return table(detail::sample_shape(features), detail::floats_of(features), std::move(labels), classes);
}

/// Reads a data set from one file: the samples are its rows, of which some columns may be labels or targets; then it
/// must be a matrix. Otherwise the extents of the array are (samples, values), (samples, height, width) or (samples,
/// height, width, channels).
/// Errors: data_error with path, place, expected and found; config_error for columns.
[[nodiscard]] inline table read_npy(const std::filesystem::path& path, const table_columns& columns = {}) {
  columns.validate();
  file_source source(path);
  return join_npy(parse_npy(source), columns);
}

/// Reads a data set from a file of features, of the extents above, and a file of labels, one for each sample, -1 for a
/// sample without one; or, if `classes` is 0, of targets, one or a row for each sample.
[[nodiscard]] inline table read_npy(const std::filesystem::path& features_path, const std::filesystem::path& goals_path,
                                    std::size_t classes) {
  file_source goals(goals_path);
  file_source features(features_path);
  const npy_file goal_file = parse_npy(goals);
  return join_npy(parse_npy(features), goal_file, classes);
}

}  // namespace localis::data
