#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <unistd.h>

#include <localis/core/error.hpp>

namespace examples {

/// The folder that a report goes to. A file in it is either the old one or the whole new one, never a part.
class report_folder {
 public:
  /// Makes the folder, and tries whether it can be written.
  /// @param wanted  empty: `out` in the current folder, or out-2, out-3, ... where that is there
  /// @param option  that chose it, for messages
  /// Errors: config_error
  explicit report_folder(const std::filesystem::path& wanted, const char* option = "--out") : option_(option) {
    std::error_code failure;
    if (!wanted.empty()) {
      path_ = wanted;
      std::filesystem::create_directories(path_, failure);
      if (!failure && !std::filesystem::is_directory(path_, failure)) {
        failure = std::make_error_code(std::errc::not_a_directory);
      }
    } else {
      path_ = "out";
      for (std::size_t n = 2; !std::filesystem::create_directory(path_, failure) && !failure; ++n) {
        path_ = "out-" + std::to_string(n);
      }
    }
    if (failure) throw localis::config_error(text("a folder", failure.message()));
    path_ = std::filesystem::absolute(path_, failure);
    try {
      write("trial", "");
    } catch (const localis::error& refused) {
      throw localis::config_error(refused.what());
    }
    std::filesystem::remove(path_ / "trial", failure);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Errors: error
  void write(const std::string& name, const std::string& content) const {
    const std::filesystem::path target = path_ / name;
    const std::filesystem::path draft = path_ / (name + '.' + std::to_string(getpid()) + ".part");
    errno = 0;
    std::ofstream file(draft, std::ios::binary);
    file << content;
    file.close();
    std::error_code failure;
    if (!file) {
      failure = std::error_code(errno != 0 ? errno : EIO, std::generic_category());
    } else {
      std::filesystem::rename(draft, target, failure);
    }
    if (!failure) return;
    std::error_code ignored;
    std::filesystem::remove(draft, ignored);
    throw localis::error(text("room for " + name, failure.message()));
  }

 private:
  [[nodiscard]] std::string text(const std::string& expected, const std::string& found) const {
    return localis::text(option_, ": ", path_.string(), ": expected ", expected, ", found: ", found);
  }

  const char* option_;
  std::filesystem::path path_;
};

}  // namespace examples
