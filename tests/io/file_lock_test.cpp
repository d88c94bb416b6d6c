#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/logs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/io/file_lock.hpp>

namespace fs = std::filesystem;
using localis::io::file_lock;

namespace {

std::string refusal(const fs::path& path) {
  return logs::complaint([&] { const file_lock lock(path); });
}

/// A process that has the lock, and says so.
pid_t holder_of(const fs::path& path) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const file_lock lock(path);
    if (::write(pipe[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char told = 0;
  REQUIRE(::read(pipe[0], &told, 1) == 1);
  ::close(pipe[0]);
  ::close(pipe[1]);
  return child;
}

}  // namespace

TEST_CASE("file_lock: one at a time, whose process is named, and no trace of it behind") {
  const temporary_folder folder;
  const fs::path path = folder / "lock";
  {
    const file_lock lock(path);
    CHECK(refusal(path).find(path.string() + ": expected nobody else at work here, found it in use by process " +
                             std::to_string(::getpid()) + " on ") == 0);
    const file_lock other(folder / "other");
    CHECK(folder.names() == std::vector<std::string>{"lock", "other"});
  }
  CHECK(folder.names().empty());
  CHECK(refusal(path) == "nothing");
}

TEST_CASE("file_lock: a process that is killed lets go, and what it left is taken over") {
  const temporary_folder folder;
  const fs::path path = folder / "lock";
  const pid_t child = holder_of(path);
  CHECK(refusal(path).find("in use by process " + std::to_string(child) + " on ") != std::string::npos);
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(fs::exists(path));
  {
    const file_lock lock(path);
    CHECK(file_content(path).find("in use by process " + std::to_string(::getpid())) == 0);
  }
  CHECK(folder.names().empty());
}

TEST_CASE("file_lock: a child that was forked does not open it for others") {
  const temporary_folder folder;
  const fs::path path = folder / "lock";
  auto lock = std::make_unique<file_lock>(path);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    lock.reset();
    ::_exit(0);
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(refusal(path).find("in use by process ") != std::string::npos);
}

TEST_CASE("file_lock: a file of somebody else stays as it is") {
  const temporary_folder folder;
  const fs::path path = folder.write("lock", std::string("notes of a week"));
  CHECK(refusal(path) == path.string() + ": expected a lock of localis, found another file");
  CHECK(file_content(path) == "notes of a week");
  fs::create_symlink(path, folder / "link");
  CHECK(refusal(folder / "link").find(": cannot be written: ") != std::string::npos);
  CHECK(refusal(folder / "none/lock") ==
        (folder / "none/lock").string() + ": cannot be written: No such file or directory");
}
