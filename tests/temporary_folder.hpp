#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <unistd.h>

/// A folder that goes with its test.
struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("localis_test_" + std::to_string(::getpid()));
  folder() { std::filesystem::create_directories(path); }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path / name; }
  /// Writes a file and returns its path.
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path / name, std::ios::binary) << content;
    return (path / name).string();
  }
};
