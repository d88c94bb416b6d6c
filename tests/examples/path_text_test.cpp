#include "lab/report/path_text.hpp"

#include <filesystem>
#include <string>

#include "lab/report/format.hpp"
#include <doctest/doctest.h>

#include <localis/core/utf8.hpp>

namespace fs = std::filesystem;
using examples::path_of;
using examples::path_text;

TEST_CASE("path_text: any path is UTF-8, and comes back byte for byte") {
  CHECK(path_text("/data/50 % off") == "/data/50 % off");
  CHECK(path_text("donn\xC3\xA9s") == "donn\xC3\xA9s");
  CHECK(path_text("/donn\xE9s/50 %") == "file:///donn%E9s/50%20%25");
  std::string all = "/";
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const fs::path& path :
       {fs::path(all), fs::path("/plain"), fs::path("/a%41"), fs::path("file:///x"), fs::path("")}) {
    const std::string text = path_text(path);
    CHECK(localis::detail::is_utf8(text));
    CHECK(path_of(text) == (text.rfind("file://", 0) == 0 ? fs::absolute(path) : path));
  }
  CHECK(path_of("file:///a%4") == "/a%4");
  CHECK(path_of("file:///a%zz") == "/a%zz");
  CHECK(path_of("file:///%e9") == "/\xE9");
}

TEST_CASE("shell_word: a word is the same for a shell") {
  CHECK(examples::shell_word("/a/b-c_d.1") == "/a/b-c_d.1");
  CHECK(examples::shell_word("a b") == "'a b'");
  CHECK(examples::shell_word("it's") == "'it'\\''s'");
  CHECK(examples::shell_word("") == "''");
  CHECK(examples::shell_word("$HOME") == "'$HOME'");
}
