#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/model/summary.hpp>

TEST_CASE("summary: the table holds its totals, and the plan where there is one") {
  localis::summary s;
  s.backend = "cpu";
  s.instructions = "SSE2";
  s.arithmetic = "fast convolution";
  s.threads = 2;
  s.input = {4, 4, 1};
  s.stages = 2;
  s.highest_boundary = 1;
  s.parameter_bytes = 1234;
  s.rule_state_bytes = 56;
  s.rows = {{"conv2d", "local", 0, {4, 4, 8}, 80, 1152},
            {"relu", "", 0, {4, 4, 8}, 0, 0},
            {"dense", "gradient", 1, {1, 1, 10}, 1290, 1280}};
  std::ostringstream before;
  before << s;
  const std::string table = before.str();
  for (const char* part :
       {"backend cpu (SSE2; fast convolution), threads 2, scalar 32 bit", "input 4x4x1, stages 2, highest boundary 1",
        "conv2d", "local", "4x4x8", "1152", "gradient", "1x1x10", "parameters 1234 bytes", "rule state 56 bytes"}) {
    CAPTURE(part);
    CHECK(table.find(part) != std::string::npos);
  }
  const std::string total = table.substr(table.find("total"));
  CHECK(total.find("1370") != std::string::npos);  // 80 + 1290
  CHECK(total.find("2432") != std::string::npos);  // 1152 + 1280
  CHECK(table.find("batch") == std::string::npos);
  CHECK(table.find("output errors") == std::string::npos);
  s.error_rows = 500;
  s.error_row_bytes = 40;
  std::ostringstream remembering;
  remembering << s;
  CHECK(remembering.str().find("(20000 of them one row of output errors for each of 500 samples)") !=
        std::string::npos);

  s.batch = 32;
  s.memory = {{0, 1000, 2000, 300, 3100, 4000}, {1, 700, 800, 90, 1500, 600}};
  std::ostringstream after;
  after << s;
  const std::string plans = after.str().substr(after.str().find("bytes of one step, batch 32"));
  CHECK(plans.find("3100") != std::string::npos);
  CHECK(plans.find("1500") != std::string::npos);
}

TEST_CASE("summary: columns never touch, whatever they hold, and stand under their titles") {
  localis::summary s;
  s.stages = 12345678;
  s.rows = {{"a_layer_of_one's_own_with_a_long_name",
             "soft_winner_take_all",
             12345678,
             {4096, 4096, 16384},
             1234567890123,
             12345678901234567},
            {"relu", "", 0, {4, 4, 8}, 0, 0}};
  s.memory = {{12345678901, 123456789012345678, 123456789012345678, 123456789012345678, 123456789012345678, 7}};
  std::ostringstream out;
  out << s;
  const std::string table = out.str();
  const auto line_with = [&](const std::string& part) {
    const std::size_t at = table.find(part);
    REQUIRE(at != std::string::npos);
    const std::size_t begin = table.rfind('\n', at) + 1;
    return table.substr(begin, table.find('\n', at) - begin);
  };
  // Where two blanks or more cut a line.
  const auto cells = [](const std::string& line) {
    std::vector<std::string> result;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find("  ", at), line.size());
      result.push_back(line.substr(at, end - at));
      at = std::min(line.find_first_not_of(' ', end), line.size());
    }
    return result;
  };
  using words = std::vector<std::string>;
  CHECK(cells(line_with("a_layer")) == words{"0", "12345678", "a_layer_of_one's_own_with_a_long_name",
                                             "soft_winner_take_all", "4096x4096x16384", "1234567890123",
                                             "12345678901234567"});
  CHECK(cells(line_with("12345678901 ")) == words{"12345678901", "123456789012345678", "123456789012345678",
                                                  "123456789012345678", "123456789012345678", "7"});
  CHECK(line_with("a_layer").find("soft_winner") == line_with("multiply-adds").find("rule"));
  CHECK(line_with("a_layer").size() == line_with("multiply-adds").size());
  CHECK(line_with("total").size() == line_with("multiply-adds").size());
}
