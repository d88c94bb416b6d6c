#pragma once

#include <array>
#include <csignal>
#include <exception>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/// What goes wrong with files: a full disk, and folders that one may not write to or read.
namespace file_faults {

/// While it lives, no file grows beyond so many bytes ("File too large"), as on a disk that is full there.
class no_file_beyond {
 public:
  explicit no_file_beyond(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit_) == 0);
    const rlimit limit{bytes, old_limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~no_file_beyond() {
    static_cast<void>(::setrlimit(RLIMIT_FSIZE, &old_limit_));
    static_cast<void>(std::signal(SIGXFSZ, handler_));
  }
  no_file_beyond(const no_file_beyond&) = delete;
  no_file_beyond& operator=(const no_file_beyond&) = delete;

 private:
  void (*handler_)(int);
  rlimit old_limit_{};
};

/// Permissions that are given back, so that a folder can be removed at the end.
class permissions {
 public:
  permissions(std::filesystem::path path, std::filesystem::perms allowed)
      : path_(std::move(path)), old_permissions_(std::filesystem::status(path_).permissions()) {
    std::filesystem::permissions(path_, allowed);
  }
  ~permissions() {
    std::error_code ignored;
    std::filesystem::permissions(path_, old_permissions_, ignored);
  }
  permissions(const permissions&) = delete;
  permissions& operator=(const permissions&) = delete;

 private:
  std::filesystem::path path_;
  std::filesystem::perms old_permissions_;
};

/// What `call` throws, or "nothing", in a process of a user whom permissions bind: root is let through everywhere.
/// Empty, with a message that says so, where there is no such user to be had.
template <class Call>
std::string refusal_as_nobody(const Call& call) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    std::string message = "nothing";
    if (::getuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) {
      message = "";
    } else {
      try {
        call();
      } catch (const std::exception& failure) {
        message = failure.what();
      }
    }
    const ssize_t written = ::write(pipe[1], message.data(), message.size());
    ::_exit(written == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string message;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = ::read(pipe[0], part.data(), part.size())) > 0;) {
    message.append(part.data(), static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  if (message.empty()) MESSAGE("skipped: root may not become another user here, and permissions do not bind root");
  return message;
}

}  // namespace file_faults
