#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <localis/core/error.hpp>

namespace localis::io {

namespace detail {

/// An open file, closed by the destructor.
class descriptor {
 public:
  explicit descriptor(int number = -1) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

/// Writes all bytes. Returns whether that succeeded; if not, errno gives the reason.
[[nodiscard]] inline bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno != EINTR) return false;
    if (done > 0) bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace detail

/// A lock that one process at a time may hold, for the lifetime of this object. It is a file that names the process.
/// The system releases the lock when the process ends in any way; the next process takes over a file that was left
/// behind. On a file system without locks (some network file systems), the lock keeps nobody out.
///
/// Errors: data_error with the path: if another process, which the message names, or another object of this process
///         holds the lock; if the file exists and is not a lock; or, with the reason of the system, if it cannot be
///         written.
class file_lock {
 public:
  explicit file_lock(std::filesystem::path path) : path_(std::move(path)), owner_(::getpid()) {
    for (;;) {
      errno = 0;
      file_ = detail::descriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
      expect_success(file_.is_open());
      if (::flock(file_.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        const std::string found = content();
        throw data_error(text(path_.string(), ": expected nobody else at work here, found it ",
                              found.rfind(mark, 0) == 0 ? found : "in use by another process"));
      }
      // The last holder may have removed the file since it was opened.
      struct stat opened {};
      struct stat named {};
      expect_success(::fstat(file_.number(), &opened) == 0);
      if (::lstat(path_.c_str(), &named) != 0 || opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
        continue;
      if (!S_ISREG(opened.st_mode) || (opened.st_size != 0 && content().rfind(mark, 0) != 0))
        throw data_error(text(path_.string(), ": expected a lock of localis, found another file"));
      break;
    }
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {};
    const std::string holder = text(mark, owner_, host[0] == '\0' ? "" : " on ", host.data(), '\n');
    errno = 0;
    if (::ftruncate(file_.number(), 0) == 0 && ::lseek(file_.number(), 0, SEEK_SET) == 0 &&
        detail::write_all(file_.number(), holder))
      return;
    const std::string reason = localis::detail::system_reason();
    ::unlink(path_.c_str());
    throw data_error(text(path_.string(), ": cannot be written: ", reason));
  }
  ~file_lock() {
    if (::getpid() == owner_) ::unlink(path_.c_str());  // not in a child that was forked
  }
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  static constexpr const char* mark = "in use by process ";

  void expect_success(bool good) const {
    if (!good) throw data_error(text(path_.string(), ": cannot be written: ", localis::detail::system_reason()));
  }

  /// The first line of the file, of which at most 512 bytes are read.
  [[nodiscard]] std::string content() const {
    std::array<char, 512> bytes{};
    const ssize_t got = ::pread(file_.number(), bytes.data(), bytes.size(), 0);
    const std::string_view all(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    return std::string(all.substr(0, all.find('\n')));
  }

  std::filesystem::path path_;
  pid_t owner_;
  detail::descriptor file_{};
};

}  // namespace localis::io
