#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

/// Bytes of a file, in a folder that is made where there is none.
inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  std::filesystem::remove(path);  // overwriting may wait for the disk
  std::ofstream(path, std::ios::binary) << content;
}
inline void write_file(const std::filesystem::path& path, const std::vector<std::uint8_t>& content) {
  write_file(path, std::string_view(reinterpret_cast<const char*>(content.data()), content.size()));
}
[[nodiscard]] inline std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A new folder, which no one else has, that goes with its test; TMPDIR says where.
struct temporary_folder {
  std::filesystem::path path = made();

  temporary_folder() = default;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const { return path / name; }
  /// Of all that is in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(path)) result.push_back(entry.path().filename());
    std::sort(result.begin(), result.end());
    return result;
  }
  /// Writes a file and returns its path.
  template <class Bytes = std::vector<std::uint8_t>>
  std::filesystem::path write(const std::filesystem::path& name, const Bytes& content) const {
    write_file(path / name, content);
    return path / name;
  }
  [[nodiscard]] std::string file(const std::filesystem::path& name, std::string_view content) const {
    return write(name, content).string();
  }

 private:
  static std::filesystem::path made() {
    std::string name = (std::filesystem::temp_directory_path() / "localis_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0755) != 0)
      throw std::system_error(errno, std::generic_category(), name);
    return name;
  }
};
