#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

#include <localis/core/error.hpp>
#include <localis/io/file_lock.hpp>
#include <localis/io/replace_file.hpp>

namespace examples {

/// The folder to which a report is written. At any time, a file in it is either the old one or the complete new one.
class report_folder {
 public:
  /// Creates the folder, and tests whether it can be written.
  /// @param wanted  empty: `out` in the current folder, or out-2, out-3, ... if that exists
  /// @param option  the option that chose it, for messages
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
    if (failure) {
      throw localis::config_error(
          localis::text(option_, ": ", path_.string(), ": expected a folder, found: ", failure.message()));
    }
    path_ = std::filesystem::absolute(path_, failure);
    try {
      const localis::io::file_lock trial(path_ / localis::text(".localis-", ::getpid(), ".trial"));
    } catch (const localis::data_error& refused) {
      throw localis::config_error(localis::text(option_, ": ", refused.what()));
    }
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Checks that write() would not replace the file of another run, which may have taken hours.
  /// Errors: config_error
  void expect_new(const std::string& name) const {
    const std::filesystem::path file = path_ / name;
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) return;
    throw localis::config_error(localis::text(option_, ": expected no ", name, " from before, found ", file.string(),
                                              "; another place keeps both"));
  }

  /// Writes a file of the report. Errors: error
  void write(const std::string& name, const std::string& content) const {
    try {
      localis::io::replace_file(path_ / name, content);
    } catch (const localis::data_error& refused) {
      throw localis::error(localis::text(option_, ": ", refused.what()));
    }
  }

 private:
  const char* option_;
  std::filesystem::path path_;
};

}  // namespace examples
