#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/data/csv.hpp>

namespace lo = localis;
namespace data = localis::data;
using localis_test::message;
using floats = std::vector<float>;

namespace {

data::table parsed(std::string_view content, const data::table_columns& columns = {},
                   const data::csv_format& format = {}) {
  data::memory_source source({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}, "x");
  return data::parse_csv(source, columns, format);
}

std::string refusal(std::string_view content, const data::table_columns& columns = {},
                    const data::csv_format& format = {}) {
  return message<lo::data_error>([&] { (void)parsed(content, columns, format); });
}

floats all_of(const data::table& source) {
  floats all;
  floats row(data::shape_of(source).size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    (void)source.read(i, row);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

}  // namespace

TEST_CASE("csv: each line is a sample, however lines end and whatever blanks there are") {
  const floats expected{1, -2.5F, 3e-4F, 4, 5, 6};
  for (const std::string_view content :
       {"1,-2.5,3e-4\n4,5,6\n", "1,-2.5,3e-4\r\n4,5,6\r\n", "1,-2.5,3e-4\n4,5,6", " 1 ,\t-2.5, 3e-4 \n4,5 ,6"}) {
    const data::table read = parsed(content);
    CHECK(read.size() == 2);
    CHECK(data::shape_of(read) == lo::shape{1, 1, 3});
    CHECK(all_of(read) == expected);
  }
  CHECK(all_of(parsed("a;b\n1;2\n", {}, {.separator = ';', .header = true})) == floats{1, 2});
  CHECK(all_of(parsed("1\t2\n", {}, {.separator = '\t'})) == floats{1, 2});
  CHECK(all_of(parsed("1e-50\n")) == floats{0});
}

TEST_CASE("csv: columns are labels, which may be missing, or targets") {
  const data::table labelled = parsed("0.5,2\n1.5,\n2.5,0\n3.5,-1\n", {.label = 1, .classes = 3});
  floats row(1);
  CHECK(labelled.read(0, row) == 2);
  CHECK(labelled.read(1, row) == data::unlabelled);
  CHECK(row[0] == 1.5F);
  CHECK(labelled.read(3, row) == data::unlabelled);
  const data::table regression = parsed("1,2,3\n4,5,6\n", {.targets = {0}});
  regression.read_target(1, row);
  CHECK(row[0] == 4);
}

TEST_CASE("csv: what is wrong is said with its line and column") {
  CHECK(refusal("") == "x: expected a row of numbers, found none");
  CHECK(refusal("a,b\n", {}, {.header = true}) == "x: expected a row of numbers, found none");
  CHECK(refusal("1,2\n3\n") == "x: line 2: expected 2 columns, found 1");
  CHECK(refusal("1,2\n3,4,5\n") == "x: line 2: expected 2 columns, found 3");
  CHECK(refusal("1,2\n\n") == "x: line 2, column 0: expected a number, found \"\"");
  CHECK(refusal("1,\n") == "x: line 1, column 1: expected a number, found \"\"");
  CHECK(refusal("a,b\n1,2\n") == "x: line 1, column 0: expected a number, found \"a\"");
  CHECK(refusal("1,2\n3,4x\n") == "x: line 2, column 1: expected a number, found \"4x\"");
  CHECK(refusal("+1\n") == "x: line 1, column 0: expected a number, found \"+1\"");
  CHECK(refusal("0x10\n") == "x: line 1, column 0: expected a number, found \"0x10\"");
  CHECK(refusal("1e400\n") == "x: line 1, column 0: expected a number, found \"1e400\"");
  CHECK(refusal("1e39\n") == "x: line 1, column 0: expected a finite number of float's range, found \"1e39\"");
  CHECK(refusal("nan\n") == "x: line 1, column 0: expected a finite number of float's range, found \"nan\"");
  CHECK(refusal("-inf\n") == "x: line 1, column 0: expected a finite number of float's range, found \"-inf\"");
  CHECK(refusal("\x1F\x8B\x08\n") == "x: line 1, column 0: expected a number, found gzip data");
  CHECK(refusal("\xEF\xBB\xBF\x31\n") == "x: line 1, column 0: expected a number, found \"???1\"");
  CHECK(refusal(std::string(40, 'y')) ==
        "x: line 1, column 0: expected a number, found \"yyyyyyyyyyyyyyyyyyyyyyyy...\"");
  CHECK(refusal("h\n1\n7\n", {.label = 0, .classes = 3}, {.header = true}) ==
        "x: expected a column of features, found none besides labels and targets");
  CHECK(refusal("h,h\n1,0\n7,3\n", {.label = 1, .classes = 3}, {.header = true}) ==
        "x: line 3, column 1: expected a class less than 3, or -1, found 3");
  CHECK_THROWS_AS((void)parsed("1\n", {}, {.separator = '.'}), lo::config_error);
  CHECK_THROWS_AS((void)data::read_csv("/nowhere/x.csv"), lo::data_error);
}

TEST_CASE("csv: a file is read as its text") {
  const temporary_folder folder;
  const data::table read = data::read_csv(folder.write("x.csv", std::string("h,g\n1,2\n3,0\n")),
                                          {.label = 1, .classes = 3}, {.header = true});
  CHECK(all_of(read) == floats{1, 3});
}
