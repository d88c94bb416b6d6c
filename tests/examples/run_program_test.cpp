#include "lab/report/run_program.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <new>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <localis/core/error.hpp>
#include <localis/version.hpp>

namespace lo = localis;

namespace {

/// What goes to standard output and error while it lives.
struct heard {
  std::ostringstream out;
  std::ostringstream error;
  heard() : out_(std::cout.rdbuf(out.rdbuf())), error_(std::cerr.rdbuf(error.rdbuf())) {}
  ~heard() {
    std::cout.rdbuf(out_);
    std::cerr.rdbuf(error_);
  }
  heard(const heard&) = delete;
  heard& operator=(const heard&) = delete;

 private:
  std::streambuf* out_;
  std::streambuf* error_;
};

template <class Error>
int status_of(const Error& error, const std::string& line) {
  const heard all;
  const int status = examples::run_program("name", "does it", [&](CLI::App&) -> int { throw error; });
  CHECK(all.out.str().empty());
  CHECK(all.error.str() == "name: " + line + "\n");
  return status;
}

}  // namespace

TEST_CASE("run_program: bad input is 2, what fails while running is 1, each in one line") {
  CHECK(status_of(lo::config_error("--a: expected 1,\nfound 2"), "--a: expected 1, found 2") == 2);
  CHECK(status_of(lo::data_error("file: bad"), "file: bad") == 2);
  CHECK(status_of(lo::shape_error("shape"), "shape") == 2);
  CHECK(status_of(lo::checkpoint_error("disk full"), "disk full") == 1);
  CHECK(status_of(lo::device_error("device"), "device") == 1);
  CHECK(status_of(lo::error("any"), "any") == 1);
  CHECK(status_of(std::bad_alloc(), "std::bad_alloc") == 1);
  CHECK(status_of(CLI::ValidationError("--b", "wrong"), "--b: wrong; --help lists the options") == 2);
  const heard all;
  CHECK(examples::run_program("name", "does it", [](CLI::App&) { return 130; }) == 130);
}

TEST_CASE("run_program: standard output that takes no more is no success") {
  const heard all;
  std::ofstream full("/dev/full");
  std::streambuf* const buffer = std::cout.rdbuf(full.rdbuf());
  const int status = examples::run_program("name", "does it", [](CLI::App&) {
    std::cout << "a table";
    return 0;
  });
  std::cout.rdbuf(buffer);
  std::cout.clear();
  CHECK(status == 1);
  CHECK(all.error.str() == "name: standard output: expected room for what is told, found none\n");
}

TEST_CASE("run_program: nor is that of printf") {
  const heard all;
  std::fflush(stdout);
  const int terminal = ::dup(STDOUT_FILENO);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(::dup2(full, STDOUT_FILENO) == STDOUT_FILENO);
  const int status = examples::run_program("name", "does it", [](CLI::App&) {
    std::printf("a table");
    return 0;
  });
  ::dup2(terminal, STDOUT_FILENO);
  ::close(terminal);
  ::close(full);
  std::clearerr(stdout);
  CHECK(status == 1);
  CHECK(all.error.str() == "name: standard output: expected room for what is told, found none\n");
}

TEST_CASE("run_program: --version and --help end well") {
  const auto parse = [](const char* option) {
    return examples::run_program("name", "does it", [&](CLI::App& app) {
      const char* words[] = {"name", option};
      app.parse(2, words);
      return 7;
    });
  };
  {
    const heard all;
    CHECK(parse("--version") == 0);
    CHECK(all.out.str() == "localis " + std::to_string(LOCALIS_VERSION / 10000) + '.' +
                               std::to_string(LOCALIS_VERSION / 100 % 100) + '.' +
                               std::to_string(LOCALIS_VERSION % 100) + '\n');
  }
  const heard all;
  CHECK(parse("--help") == 0);
  CHECK(all.out.str().find("does it") != std::string::npos);
  CHECK(parse("--helpless") == 2);
}
