#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/message.hpp"
#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/data/table.hpp>

namespace lo = localis;
namespace data = localis::data;
using localis_test::message;
using floats = std::vector<float>;

namespace {

data::table split(const floats& values, const data::table_columns& columns) {
  return data::detail::split_columns("x", values, 3, columns, [](std::size_t row) { return lo::text("row ", row); });
}

floats row(const data::table& source, std::size_t index) {
  floats features(data::shape_of(source).size());
  (void)source.read(index, features);
  return features;
}

}  // namespace

TEST_CASE("table: copies own the numbers together, and stay whole when the first is gone") {
  std::optional<data::table> first(std::in_place, lo::shape{1, 1, 2}, floats{1, 2, 3, 4},
                                   std::vector<std::uint32_t>{1, data::unlabelled}, 2);
  const data::table copy = *first;
  first.reset();
  floats features(2);
  CHECK(copy.read(1, features) == data::unlabelled);
  CHECK(features == floats{3, 4});
  CHECK(copy.classes() == 2);
  data::table moved({1, 1, 1}, floats{9});
  moved = copy;
  CHECK(row(moved, 0) == floats{1, 2});
  CHECK_THROWS_AS(data::table({1, 1, 2}, floats{1, 2, 3}), lo::shape_error);
}

TEST_CASE("table: columns become labels or targets, and the others features in their order") {
  const floats values{1, 2, 3, 4, 0, 6, 7, -1, 9};
  const data::table labelled = split(values, {.label = 1, .classes = 3});
  CHECK(labelled.size() == 3);
  CHECK(labelled.classes() == 3);
  CHECK(labelled.targets() == 0);
  floats features(2);
  CHECK(labelled.read(0, features) == 2);
  CHECK(features == floats{1, 3});
  CHECK(labelled.read(1, features) == 0);
  CHECK(labelled.read(2, features) == data::unlabelled);
  CHECK(features == floats{7, 9});

  const data::table regression = split(values, {.targets = {2, 0}});
  CHECK(regression.classes() == 0);
  floats target(2);
  regression.read_target(1, target);
  CHECK(target == floats{6, 4});
  CHECK(row(regression, 1) == floats{0});
  const data::table neither = split(values, {});
  CHECK(neither.targets() == 0);
  CHECK(row(neither, 2) == floats{7, -1, 9});
}

TEST_CASE("table: columns that do not fit are named") {
  const floats values{1, 2, 3};
  const auto wrong = [&](const data::table_columns& columns) {
    return message<lo::data_error>([&] { (void)split(values, columns); });
  };
  CHECK(wrong({.targets = {3}}) == "x: expected a column 3, found columns 0 to 2");
  CHECK(wrong({.targets = {0, 1, 2}}) == "x: expected a column of features, found none besides labels and targets");
  CHECK(wrong({.label = 2, .classes = 3}) == "x: row 0, column 2: expected a class less than 3, or -1, found 3");
  for (const double bad : {0.5, -2.0, 1e30}) {
    CAPTURE(bad);
    CHECK_FALSE(data::detail::label_of(bad, 10));
  }
  const auto refused = [](const data::table_columns& columns) {
    return message<lo::config_error>([&] { columns.validate(); });
  };
  CHECK(refused({.label = 0, .classes = 2, .targets = {1}}) ==
        "columns: expected a label or targets, found column 0 and 1 columns of targets");
  CHECK(refused({.targets = {1, 2, 1}}) == "columns: targets: expected each column once, found 1 twice");
  CHECK(refused({.label = 0}) == "columns: classes: expected 1 to 2^24, found 0");
  CHECK(refused({.classes = 2}) == "columns: classes: expected 0 without a column of labels, found 2");
}
