#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <localis/core/finite.hpp>
#include <localis/version.hpp>

/// Numbers and tables as text, always in the C locale.
namespace examples {

/// A stream for text in files, in the C locale regardless of the program's locale.
class text_stream : public std::ostringstream {
 public:
  text_stream() { imbue(std::locale::classic()); }
};

/// The number with the given number of decimal places; "-" if there is no number.
[[nodiscard]] inline std::string fixed(double value, int digits) {
  if (!localis::is_finite(value)) return "-";
  text_stream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

/// A fraction as a percentage.
[[nodiscard]] inline std::string percent(double fraction, int digits = 2) { return fixed(100 * fraction, digits); }

/// Bytes as megabytes of 10^6 bytes.
[[nodiscard]] inline std::string megabytes(std::size_t bytes) { return fixed(static_cast<double>(bytes) / 1e6, 2); }

/// 55000 as 55,000.
[[nodiscard]] inline std::string grouped(std::size_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

/// The shortest text from which the same number is read; empty if there is no number.
[[nodiscard]] inline std::string exact(double value) {
  if (!localis::is_finite(value)) return {};
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

/// Text as one word for a shell, in quotes where it needs them.
[[nodiscard]] inline std::string shell_word(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./,:=@%+";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return std::string(text);
  std::string word = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      word += "'\\''";
    } else {
      word += letter;
    }
  }
  return word + '\'';
}

/// The time in minutes and seconds; "-:--" if there is no number.
[[nodiscard]] inline std::string clock_time(double seconds) {
  if (!localis::is_finite(seconds) || seconds < 0) return "-:--";
  const auto whole = static_cast<std::size_t>(seconds + 0.5);
  text_stream out;
  out << whole / 60 << ':' << std::setw(2) << std::setfill('0') << whole % 60;
  return out.str();
}

/// The version of the library, such as 0.1.0.
[[nodiscard]] inline std::string version() {
  return std::to_string(LOCALIS_VERSION_MAJOR) + '.' + std::to_string(LOCALIS_VERSION_MINOR) + '.' +
         std::to_string(LOCALIS_VERSION_PATCH);
}

[[nodiscard]] inline std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string result;
  for (const std::string& part : parts) {
    if (!result.empty()) result += separator;
    result += part;
  }
  return result;
}

/// Formats rows of cells as text, with the first column aligned to the left and the others to the right. The first row
/// is the head.
[[nodiscard]] inline std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  text_stream out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::size_t total = 0;
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::size_t gap = c == 0 ? 0 : 2;
      out << (c == 0 ? std::left : std::right) << std::setw(static_cast<int>(widths[c] + gap)) << rows[r][c];
      total += widths[c] + gap;
    }
    out << '\n';
    if (r == 0) out << std::string(total, '-') << '\n';
  }
  return out.str();
}

/// Formats rows of cells as a Markdown table.
[[nodiscard]] inline std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += "| " + joined(rows[r], " | ") + " |\n";
    if (r > 0) continue;
    for (std::size_t c = 0; c < rows[r].size(); ++c) out += c == 0 ? "|---|" : "---:|";
    out += '\n';
  }
  return out;
}

}  // namespace examples
