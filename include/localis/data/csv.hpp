#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/data/idx.hpp>
#include <localis/data/table.hpp>

/// Rows of numbers in text, one row a line.
namespace localis::data {

/// The form of the text.
struct csv_format {
  char separator = ',';
  bool header = false;  ///< true: the first line names the columns, and is not read

  /// Errors: config_error for a separator that may be a part of a number or of the end of a line.
  void validate() const {
    constexpr std::string_view never = "0123456789+-.eEinfatyINFATY\r\n";
    if (never.find(separator) != std::string_view::npos)
      throw config_error(
          text("csv_format: separator: expected a character that is no part of a number, found '", separator, "'"));
  }
};

namespace detail {

/// A cell as a message shows it.
[[nodiscard, gnu::cold]] inline std::string shown(std::string_view cell) {
  constexpr std::size_t longest = 24;
  std::string result = "\"";
  for (const char letter : cell.substr(0, longest)) result += letter >= ' ' && letter <= '~' ? letter : '?';
  return result + (cell.size() > longest ? "...\"" : "\"");
}

/// Removes blanks and tabs around a cell.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view cell) {
  const std::size_t first = cell.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return cell.substr(first, cell.find_last_not_of(" \t") - first + 1);
}

/// Calls f(cell) for each cell of a line.
template <class F>
void for_cells(std::string_view line, char separator, const F& f) {
  for (std::size_t first = 0; first <= line.size();) {
    const std::size_t end = (std::min)(line.find(separator, first), line.size());
    f(trimmed(line.substr(first, end - first)));
    first = end + 1;
  }
}

}  // namespace detail

/// Reads a data set from the text of `source`: see read_csv.
template <byte_source Source>
[[nodiscard]] table parse_csv(Source& source, const table_columns& columns = {}, const csv_format& format = {}) {
  columns.validate();
  format.validate();
  const std::string name = source.name();
  std::string content(source.bound(), '\0');
  content.resize(source.read({reinterpret_cast<std::uint8_t*>(content.data()), content.size()}));
  std::uint8_t extra = 0;
  if (source.read(std::span<std::uint8_t>(&extra, 1)) != 0)
    throw data_error(name, content.size(), "the end of the file", "more bytes");
  const std::span<const std::uint8_t> bytes{reinterpret_cast<const std::uint8_t*>(content.data()), content.size()};

  std::vector<float> values;
  std::size_t width = 0;  // 0: no row was read
  std::size_t line = 0;
  const std::string_view all = content;
  for (std::size_t first = 0; first < all.size();) {
    ++line;
    const std::size_t end = (std::min)(all.find('\n', first), all.size());
    std::string_view row = all.substr(first, end - first);
    first = end + 1;
    if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
    if (line == 1 && format.header) continue;
    std::size_t column = 0;
    detail::for_cells(row, format.separator, [&](std::string_view cell) {
      const auto wrong = [&](const char* expected) {
        return data_error(text(name, ": line ", line, ", column ", column, ": expected ", expected, ", found ",
                               localis::detail::found_kind(bytes, detail::shown(cell))));
      };
      double number = -1;
      if (!(cell.empty() && columns.label == column)) {
        const auto [parsed, code] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
        if (code != std::errc() || parsed != cell.data() + cell.size()) throw wrong("a number");
      }
      constexpr auto largest = static_cast<double>((std::numeric_limits<float>::max)());
      if (!(number >= -largest && number <= largest)) throw wrong("a finite number of float's range");
      values.push_back(static_cast<float>(number));
      ++column;
    });
    if (width == 0) {
      width = column;
      const auto lines = static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n')) + 1;
      values.reserve((std::min)(all.size() / 2 + 1, lines * width));  // a value takes two bytes or more
    }
    if (column != width)
      throw data_error(text(name, ": line ", line, ": expected ", width, " columns, found ", column));
  }
  if (width == 0) throw data_error(text(name, ": expected a row of numbers, found none"));
  const std::size_t first_line = format.header ? 2 : 1;
  return detail::split_columns(name, std::move(values), width, columns,
                               [&](std::size_t row) { return text("line ", row + first_line); });
}

/// Reads a data set from a file of text: one sample in each line, numbers between separators, blanks around them
/// ignored. Each line has the same number of columns; there are no quotes, no comments and no empty lines. Lines end
/// with LF or CR LF. An empty cell in the column of labels is a sample without a label.
///
///   const data::table iris = data::read_csv("iris.csv", {.label = 4, .classes = 3}, {.header = true});
///
/// The text does not depend on the program's locale.
/// Errors: data_error with path, line, column, expected and found; config_error for columns and format.
[[nodiscard]] inline table read_csv(const std::filesystem::path& path, const table_columns& columns = {},
                                    const csv_format& format = {}) {
  file_source source(path);
  return parse_csv(source, columns, format);
}

}  // namespace localis::data
