#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <localis/core/error.hpp>

/// Functions that the readers of files share.
namespace localis::detail {

/// Opens a regular file and returns its size in bytes. The size is that of the opened file, even if another file takes
/// its name meanwhile. Errors: data_error with the path and the reason.
[[nodiscard]] inline std::size_t open_to_read(const std::filesystem::path& path, std::ifstream& file) {
  const auto refuse = [&path](const std::string& reason) {
    throw data_error(text(path.string(), ": expected a readable file, found: ", reason));
  };
  std::error_code code;
  static_cast<void>(std::filesystem::file_size(path, code));  // for its reason: a folder can be opened
  if (code) refuse(code.message());
  errno = 0;
  file.open(path, std::ios::binary | std::ios::ate);
  if (!file) refuse(system_reason());
  const std::streamoff size = file.tellg();
  if (size < 0 || !file.seekg(0)) refuse(system_reason());
  return static_cast<std::size_t>(size);
}

/// The kind of a file, judged by its first bytes, such as "gzip data" or "a PNG picture"; empty if the kind is unknown.
[[nodiscard, gnu::cold]] inline std::string_view kind_of_file(std::string_view first) {
  using namespace std::string_view_literals;
  struct kind {
    std::string_view name;
    std::string_view begins;
    std::size_t offset = 0;
  };
  static constexpr kind kinds[] = {
      {"gzip data", "\x1F\x8B"sv},
      {"bzip2 data", "BZh"sv},
      {"xz data", "\xFD\x37zXZ\0"sv},
      {"zstd data", "\x28\xB5\x2F\xFD"sv},
      {"a ZIP archive", "PK\x03\x04"sv},
      {"a tar archive", "ustar"sv, 257},
      {"a PNG picture", "\x89PNG\r\n\x1A\n"sv},
      {"a JPEG picture", "\xFF\xD8\xFF"sv},
      {"a GIF picture", "GIF8"sv},
      {"a WebP picture", "WEBP"sv, 8},
      {"a TIFF picture", "II*\0"sv},
      {"a TIFF picture", "MM\0*"sv},
      {"a NumPy array", "\x93NUMPY"sv},
      {"an HDF5 file", "\x89HDF"sv},
      {"a Python pickle", "\x80\x02"sv},
      {"a Python pickle", "\x80\x03"sv},
      {"a Python pickle", "\x80\x04"sv},
      {"a Python pickle", "\x80\x05"sv},
      {"a PDF file", "%PDF"sv},
      {"a program", "\x7F\x45LF"sv},
      {"an IDX file of labels", "\0\0\x08\x01\0"sv},
      {"an IDX file of pictures", "\0\0\x08\x03\0"sv},
      {"a safetensors file", "\0{\""sv, 7},
      {"a pointer of Git LFS, not the file itself", "version https://git-lfs"sv},
      {"a pointer of git-annex, not the file itself", "/annex/objects/"sv},
  };
  for (const kind& one : kinds)
    if (first.size() >= one.offset && first.substr(one.offset, one.begins.size()) == one.begins) return one.name;
  // Text may begin with blanks.
  std::string begin(first.substr((std::min)(first.find_first_not_of(" \t\r\n"), first.size()), 14));
  for (char& letter : begin)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  if (begin == "<!doctype html" || begin.rfind("<html", 0) == 0) return "an HTML page";
  if (begin.rfind("<?xml", 0) == 0 || begin.rfind("<svg", 0) == 0) return "XML";
  if (begin.rfind('{', 0) == 0 && begin.find_first_not_of(" \t\r\n\"}", 1) != 1) return "JSON";
  return "";
}

inline constexpr std::size_t kind_bytes = 512;  ///< needed to tell the kind of a file

/// The description of a wrong file, for a message: its kind by these first bytes or, if the kind is unknown or the
/// expected one, the given text.
[[nodiscard, gnu::cold]] inline std::string found_kind(std::span<const std::uint8_t> first,
                                                       const std::string& otherwise, std::string_view expected = "") {
  const std::string_view kind = kind_of_file({reinterpret_cast<const char*>(first.data()), first.size()});
  return kind.empty() || kind == expected ? otherwise : std::string(kind);
}
[[nodiscard, gnu::cold]] inline std::string found_kind(const std::filesystem::path& path, const std::string& otherwise,
                                                       std::string_view expected = "") {
  std::uint8_t first[kind_bytes];
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(first), kind_bytes);
  return found_kind(std::span<const std::uint8_t>(first, static_cast<std::size_t>(file.gcount())), otherwise, expected);
}

}  // namespace localis::detail
