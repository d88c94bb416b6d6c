#include <csignal>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/file_faults.hpp"
#include "support/logs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/io/replace_file.hpp>

namespace fs = std::filesystem;
namespace io = localis::io;
using names = std::vector<std::string>;

namespace {

std::string refusal(const fs::path& path) {
  return logs::complaint([&] { io::replace_file(path, "new"); });
}

struct stat status_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found;
}

}  // namespace

TEST_CASE("replace_file: the file is the old one or the whole new one, and nothing else is left") {
  const temporary_folder folder;
  io::replace_file(folder / "file", "first");
  CHECK(file_content(folder / "file") == "first");
  {
    io::replacement half(folder / "file");
    half.write("sec");
    CHECK(file_content(folder / "file") == "first");
  }
  CHECK(file_content(folder / "file") == "first");
  io::replace_file(folder / "file", "second");
  CHECK(file_content(folder / "file") == "second");
  CHECK(folder.names() == names{"file"});
  const std::string longest(255, 'n');
  io::replace_file(folder / longest, "x");
  CHECK(file_content(folder / longest) == "x");
}

TEST_CASE("replace_file: two processes and two objects that replace one file leave whole ones") {
  const temporary_folder folder;
  const fs::path path = folder / "file";
  constexpr int times = 100;
  const std::string contents[] = {std::string(300000, 'a'), std::string(200000, 'b')};
  pid_t children[2];
  for (std::size_t who = 0; who < 2; ++who) {
    children[who] = ::fork();
    REQUIRE(children[who] >= 0);
    if (children[who] > 0) continue;
    try {
      for (int i = 0; i < times; ++i) io::replace_file(path, contents[who]);
    } catch (const localis::error&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  std::size_t torn = 0;
  for (std::size_t ended = 0; ended < 2;) {
    if (fs::exists(path)) {
      const std::string found = file_content(path);
      torn += found != contents[0] && found != contents[1] ? 1U : 0U;
    }
    int status = 0;
    if (::waitpid(-1, &status, WNOHANG) <= 0) continue;
    CHECK(status == 0);
    ++ended;
  }
  CHECK(torn == 0);
  CHECK(folder.names() == names{"file"});

  io::replacement one(path);
  io::replacement other(path);
  one.write("one");
  other.write("other");
  one.finish();
  CHECK(file_content(path) == "one");
  other.finish();
  CHECK(file_content(path) == "other");
}

TEST_CASE("replace_file: what a user has under a name that was once ours stays") {
  const temporary_folder folder;
  for (const char* name : {"file.part", "file.localis-1", "file.localis-.parts", "other.localis-1-0.part"})
    folder.write(name, std::string("notes"));
  const auto before = folder.names();
  io::replace_file(folder / "file", "new");
  CHECK(folder.names().size() == before.size() + 1);
  for (const std::string& name : before) CHECK(file_content(folder / name) == "notes");
}

TEST_CASE("replace_file: what a killed process left goes with the next one, what a living one writes does not") {
  const temporary_folder folder;
  const fs::path path = folder / "file";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    io::replacement half(path);
    half.write("half");
    ::kill(::getpid(), SIGKILL);
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE(folder.names().size() == 1);
  io::replacement living(path);
  living.write("living");
  io::replace_file(path, "new");
  CHECK(folder.names().size() == 2);
  CHECK(file_content(path) == "new");
  living.finish();
  CHECK(folder.names() == names{"file"});
  CHECK(file_content(path) == "living");
}

TEST_CASE("replace_file: a link stays a link, and what it leads to is replaced, there or not") {
  const temporary_folder folder;
  fs::create_directories(folder / "big");
  folder.write("big/old", std::string("old"));
  fs::create_symlink("big/old", folder / "link");
  fs::create_symlink("link", folder / "link to it");
  fs::create_symlink("big/none", folder / "dangling");
  io::replace_file(folder / "link to it", "new");
  io::replace_file(folder / "dangling", "made");
  for (const char* name : {"link", "link to it", "dangling"}) CHECK(fs::is_symlink(folder / name));
  CHECK(file_content(folder / "big/old") == "new");
  CHECK(file_content(folder / "big/none") == "made");
  CHECK(folder.names().size() == 4);
  fs::create_symlink("circle", folder / "circle");
  CHECK(refusal(folder / "circle").find("cannot be written: Too many levels of symbolic links") != std::string::npos);
  // A name in the working folder.
  const fs::path before = fs::current_path();
  fs::current_path(folder.path);
  io::replace_file("plain", "here");
  fs::current_path(before);
  CHECK(file_content(folder / "plain") == "here");
}

TEST_CASE("replace_file: a device stays one, and is written to, and so is a pipe") {
  const temporary_folder folder;
  if (::mknod((folder / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) {
    io::replace_file(folder / "null", "nothing");
    CHECK(S_ISCHR(status_of(folder / "null").st_mode));
  } else {
    MESSAGE("skipped: making a device takes root");
  }
  CHECK(refusal("/dev/full") == "/dev/full: cannot be written: No space left on device");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0666) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(file_content(folder / "pipe") == "through" ? 0 : 1);
  io::replace_file(folder / "pipe", "through");
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(S_ISFIFO(status_of(folder / "pipe").st_mode));
}

TEST_CASE("replace_file: permissions and owner are those of what was there, else those of any new file") {
  const temporary_folder folder;
  const fs::path old = folder.write("old", std::string("old"));
  for (const mode_t mode : {0600U, 0640U, 0755U, 0666U}) {
    REQUIRE(::chmod(old.c_str(), mode) == 0);
    io::replace_file(old, "new");
    CHECK((status_of(old).st_mode & 07777U) == mode);
  }
  const mode_t umask = ::umask(027);
  io::replace_file(folder / "fresh", "new");
  ::umask(umask);
  CHECK((status_of(folder / "fresh").st_mode & 07777U) == 0640U);
  if (::chown(old.c_str(), 12345, 23456) == 0) {
    io::replace_file(old, "newer");
    CHECK(status_of(old).st_uid == 12345);
    CHECK(status_of(old).st_gid == 23456);
  } else {
    MESSAGE("skipped: giving a file away takes root");
  }
}

TEST_CASE("replace_file: a file that one may not write to stays, whoever may write to its folder") {
  const temporary_folder folder;
  const fs::path path = folder.write("file", std::string("kept"));
  using std::filesystem::perms;
  const file_faults::permissions guarded(path, perms::owner_read | perms::others_read);
  const file_faults::permissions open(folder.path, perms::all);
  const std::string message = file_faults::refusal_as_nobody([&] { io::replace_file(path, "new"); });
  if (!message.empty()) CHECK(message == path.string() + ": cannot be written: Permission denied");
  CHECK(file_content(path) == "kept");
}
