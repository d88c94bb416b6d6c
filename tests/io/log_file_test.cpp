#include <csignal>
#include <cstddef>
#include <string>

#include "support/logs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/io/log_file.hpp>

namespace io = localis::io;

TEST_CASE("log_file: appends, or begins anew") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  io::log_file(path, io::existing_log::append).write("one\n");
  io::log_file(path, io::existing_log::append).write("two\n");
  CHECK(file_content(path) == "one\ntwo\n");
  io::log_file(path, io::existing_log::replace).write("three\n");
  CHECK(file_content(path) == "three\n");
}

TEST_CASE("log_file: a log that is open while another replaces the file goes on behind the new records") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  io::log_file open(path, io::existing_log::append);
  open.write("one\n");
  io::log_file(path, io::existing_log::replace).write("two\n");
  open.write("three\n");
  CHECK(file_content(path) == "two\nthree\n");
}

TEST_CASE("log_file: what cannot be opened or written is named, with the reason") {
  const temporary_folder folder;
  const auto missing = folder.path / "missing" / "log";
  CHECK(logs::complaint([&] { io::log_file(missing, io::existing_log::append); }) ==
        missing.string() + ": cannot be written: No such file or directory");
  CHECK(logs::complaint([&] { io::log_file(folder.path, io::existing_log::append); }) ==
        folder.path.string() + ": cannot be written: Is a directory");
  CHECK(logs::complaint([&] { io::log_file("/dev/full", io::existing_log::append).write("one"); }) ==
        "/dev/full: cannot be written: No space left on device");
}

TEST_CASE("log_file: a record that does not fit leaves no part of it") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const auto before = std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  io::log_file file(path, io::existing_log::append);
  file.write("whole\n");
  const rlimit small{10, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string said = logs::complaint([&] { file.write("too long\n"); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, before);
  CHECK(said == path.string() + ": cannot be written: File too large");
  CHECK(file_content(path) == "whole\n");
  file.write("more\n");
  CHECK(file_content(path) == "whole\nmore\n");
}

TEST_CASE("log_file: killed at any moment, a log has whole records") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const std::string record = std::string(63, 'x') + '\n';  // within a page: see log_file
  for (const unsigned microseconds : {2000U, 7000U, 15000U}) {
    const std::size_t before = file_content(path).size();
    const pid_t child = ::fork();
    if (child == 0) {
      io::log_file file(path, io::existing_log::append);
      for (;;) file.write(record);
    }
    REQUIRE(child > 0);
    const auto size = [&] { return std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0; };
    for (int wait = 0; wait < 10000 && size() == before; ++wait) ::usleep(1000);
    ::usleep(microseconds);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    const std::string written = file_content(path);
    CAPTURE(microseconds);
    CHECK(written.size() > before);
    CHECK(written.size() % record.size() == 0);
  }
}
