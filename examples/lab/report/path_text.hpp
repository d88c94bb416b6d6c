#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <localis/core/utf8.hpp>

/// Converts paths to text in files and back. A path can contain any bytes, but text is UTF-8: a path that is not UTF-8
/// is written as a URL (RFC 8089), whose escapes state each byte, as in file:///data/donn%E9es.
namespace examples {

namespace detail {

inline constexpr std::string_view file_url = "file://";

/// The value of a hexadecimal digit; 16 for any other letter.
[[nodiscard]] constexpr unsigned hexadecimal_digit(char letter) {
  if (letter >= '0' && letter <= '9') return static_cast<unsigned>(letter - '0');
  if (letter >= 'a' && letter <= 'f') return static_cast<unsigned>(letter - 'a') + 10;
  if (letter >= 'A' && letter <= 'F') return static_cast<unsigned>(letter - 'A') + 10;
  return 16;
}

}  // namespace detail

[[nodiscard]] inline std::string path_text(const std::filesystem::path& path) {
  if (localis::detail::is_utf8(path.native()) && path.native().rfind(detail::file_url, 0) != 0) return path.native();
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  constexpr const char* digits = "0123456789ABCDEF";
  std::string url(detail::file_url);
  std::error_code ignored;
  const std::filesystem::path absolute = std::filesystem::absolute(path, ignored);
  for (const char letter : absolute.native()) {
    if (plain.find(letter) != std::string_view::npos) {
      url += letter;
    } else {
      const auto code = static_cast<unsigned char>(letter);
      url += {'%', digits[code / 16], digits[code % 16]};
    }
  }
  return url;
}

[[nodiscard]] inline std::filesystem::path path_of(std::string_view text) {
  if (text.rfind(detail::file_url, 0) != 0) return text;
  text.remove_prefix(detail::file_url.size());
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned high = text.size() - i > 2 ? detail::hexadecimal_digit(text[i + 1]) : 16;
    const unsigned low = text.size() - i > 2 ? detail::hexadecimal_digit(text[i + 2]) : 16;
    if (text[i] == '%' && high < 16 && low < 16) {
      path += static_cast<char>(16 * high + low);
      i += 2;
    } else {
      path += text[i];
    }
  }
  return path;
}

}  // namespace examples
