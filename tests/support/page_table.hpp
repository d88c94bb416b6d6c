#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

#include <localis/io/replace_file.hpp>

namespace localis_test {

/// Whether a page of docs/ has this table between the lines `<!-- NAME: written by tests/readme/... -->` and
/// `<!-- end of NAME -->`. If the environment variable `update` is 1, the table is written there first.
inline void check_page_table(const std::string& page, const std::string& name, const char* update,
                             const std::string& table) {
  const std::string path = LOCALIS_SOURCE "/docs/" + page;
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t opening = text.find("<!-- " + name + ": written by ");
  const std::size_t end = text.find("<!-- end of " + name + " -->");
  REQUIRE(opening != std::string::npos);
  REQUIRE(end != std::string::npos);
  const std::size_t start = text.find('\n', opening) + 1;
  const char* wanted = std::getenv(update);
  if (wanted != nullptr && std::string(wanted) == "1") {
    text.replace(start, end - start, table);
    localis::io::replace_file(path, text);
    return;
  }
  CHECK(text.substr(start, end - start) == table);
}

}  // namespace localis_test
