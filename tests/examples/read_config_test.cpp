#include "lab/read_config.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/core/random.hpp>

using examples::parse_config;
using kind = examples::config_value::kind;

namespace {

constexpr std::string_view good =
    "{\"epochs\": 10, \"rate\": 1e-3,\n \"digits\": true, \"plain\": false, \"data\": \"a\\u0041\", "
    "\"seeds\": [1, \"two\", -3.50], \"only\": [], \"more\": [\"\", \"x\"]}";

std::string refusal(std::string_view json) {
  try {
    (void)parse_config(json, "file");
  } catch (const localis::config_error& failure) {
    return failure.what();
  }
  return "nothing";
}
std::string refused_file(const std::string& path) {
  try {
    (void)examples::read_config(path);
  } catch (const localis::config_error& failure) {
    return failure.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("read_config: names, kinds and values, in the order of the file") {
  const auto values = parse_config(good, "file");
  const std::vector<std::pair<const char*, std::pair<kind, const char*>>> expected{
      {"epochs", {kind::number, "10"}}, {"rate", {kind::number, "1e-3"}}, {"digits", {kind::flag, "true"}},
      {"plain", {kind::flag, "false"}}, {"data", {kind::text, "aA"}},     {"seeds", {kind::list, "1,two,-3.50"}},
      {"only", {kind::list, ""}},       {"more", {kind::list, ",x"}}};
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i].name == expected[i].first);
    CHECK(values[i].type == expected[i].second.first);
    CHECK(values[i].value == expected[i].second.second);
  }
  CHECK(parse_config(" { } ", "file").empty());
}

TEST_CASE("read_config: what is no object of settings is refused by name, with what was found") {
  const std::pair<const char*, const char*> cases[] = {
      {"[1]", "file: expected an object, found a list"},
      {"7", "file: expected an object, found 7"},
      {"true", "file: expected an object, found true"},
      {"null", "file: expected an object, found null"},
      {"\"epochs\"", "file: expected an object, found \"epochs\""},
      {"{\"a\": 1, \"b\": 2, \"a\": 1}", "file: \"a\": expected once, found again"},
      {"{\"a\": null}", "file: \"a\": expected true, false, a number, text or a list, found null"},
      {"{\"a\": {\"b\": 1}}", "file: \"a\": expected true, false, a number, text or a list, found an object"},
      {"{\"a\": [[1]]}", "file: \"a\": expected numbers or text in a list, found a list"},
      {"{\"a\": [1, true]}", "file: \"a\": expected numbers or text in a list, found true"},
      {"{\"a\": [{}]}", "file: \"a\": expected numbers or text in a list, found an object"},
      {"{\"\\u001b[2J\": null}",
       "file: \"\\u001b[2J\": expected true, false, a number, text or a list, found null"},  // not to the terminal
  };
  for (const auto& [json, message] : cases) CHECK(refusal(json) == message);
  CHECK(refusal("{\"a\": 1} x").find("file: at byte 10: expected a whole object of JSON, found: ") == 0);
  CHECK(refusal("{\"a\": 1e999}").find("file: at byte ") == 0);
  CHECK(refusal("{'a': 1}").find("file: at byte 2: ") == 0);
  const std::string deep(100000, '[');
  CHECK(refusal("{\"a\": " + deep) == "file: \"a\": expected numbers or text in a list, found a list");
}

TEST_CASE("read_config: every truncated text is refused") {
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(refusal(good.substr(0, size)).find("file: at byte ") == 0);
  }
}

TEST_CASE("read_config: whatever the bytes are, they are read or refused") {
  const localis::random_stream random(5);
  std::size_t read = 0;
  std::size_t refused = 0;
  for (std::size_t n = 0; n < 20000; ++n) {
    std::string bytes(good);
    for (std::size_t k = 0; k < 1 + n % 3; ++k) {
      bytes[random.integer(6 * n + 2 * k, bytes.size())] = static_cast<char>(random.integer(6 * n + 2 * k + 1, 256));
    }
    ++(refusal(bytes) == "nothing" ? read : refused);  // another exception ends the test
  }
  CHECK(read > 100);
  CHECK(refused > 100);
}

TEST_CASE("read_config: a file that is none says so") {
  const temporary_folder here;
  CHECK(examples::read_config(here.file("good.json", std::string(good))).size() == 8);
  CHECK(refused_file((here / "missing.json").string()) ==
        (here / "missing.json: expected a file of JSON, found none").string());
  CHECK(refused_file(here.path.string()) == here.path.string() + ": expected a file of JSON, found a folder");
  CHECK(refused_file("/dev/zero") == "/dev/zero: expected a file of JSON, found more than 1048576 bytes");
  const std::string zipped = here.file("run.json.gz", "\x1F\x8B\x08");
  CHECK(refused_file(zipped) == zipped + ": expected a file of JSON, found gzip data");
  const std::string empty = here.file("empty.json", "");
  CHECK(refused_file(empty).find(empty + ": at byte 1: expected a whole object of JSON, found: ") == 0);
}
