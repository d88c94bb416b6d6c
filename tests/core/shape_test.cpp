#include <sstream>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <localis/core/shape.hpp>

using localis::lengths;
using localis::linear_map;
using localis::shape;
using localis::window;

TEST_CASE("shape: sizes and text") {
  constexpr shape s{3, 4, 5};
  static_assert(s.size() == 60 && s.positions() == 12);
  static_assert(s == shape{3, 4, 5} && s != shape{4, 3, 5} && shape{}.size() == 1);
  std::ostringstream out;
  out << s;
  CHECK(out.str() == "3x4x5");
}

TEST_CASE("lengths: one number stands for both") {
  static_assert(lengths(2) == lengths(2, 2) && lengths(1, 2) != lengths(2, 1) && lengths(1, 2) != 1);
  static_assert(window{3, 3, 2, 1} == window{3, 3, {2, 2}, {1, 1}, {1, 1}});
  std::ostringstream out;
  out << lengths(3) << ' ' << lengths(3, 1);
  CHECK(out.str() == "3 3x1");
}

TEST_CASE("window: output extents, rounded down") {
  constexpr shape in{7, 6, 2};
  CHECK(window{3, 3, 1, 0}.output(in, 4) == shape{5, 4, 4});
  CHECK(window{3, 3, 1, 1}.output(in, 4) == shape{7, 6, 4});
  CHECK(window{3, 3, 2, 0}.output(in, 4) == shape{3, 2, 4});
  CHECK(window{2, 3, 2, 1}.output(in, 1) == shape{4, 3, 1});
  CHECK(window{7, 6, 5, 0}.output(in, 1) == shape{1, 1, 1});
  CHECK(window{7, 6, 1, 0}.fits(in));
  CHECK_FALSE(window{8, 1, 1, 0}.fits(in));
  CHECK_FALSE(window{1, 7, 1, 0}.fits(in));
  CHECK(window{9, 8, 1, 1}.fits(in));
  // Each axis by its own lengths.
  CHECK(window{3, 2, {2, 1}, {0, 1}}.output(in, 4) == shape{3, 7, 4});
  CHECK(window{3, 2, 1, 0, {1, 3}}.output(in, 4) == shape{5, 3, 4});
  CHECK(window{7, 8, 1, {0, 1}}.fits(in));
  CHECK_FALSE(window{8, 7, 1, {0, 1}}.fits(in));
  CHECK_FALSE(window{1, 3, 1, 0, {1, 3}}.fits(in));
}

TEST_CASE("window: it stands still if a stride or a dilation is 0") {
  CHECK_FALSE(window{}.stands_still());
  CHECK(window{2, 2, {0, 1}}.stands_still());
  CHECK(window{2, 2, {1, 0}}.stands_still());
  CHECK(window{2, 2, 1, 0, {0, 1}}.stands_still());
  CHECK(window{2, 2, 1, 0, {1, 0}}.stands_still());
}

TEST_CASE("linear_map: the matrices of a convolution and of a dense layer") {
  constexpr linear_map convolution{{7, 6, 2}, {4, 3, 5}, {3, 3, 2, 1}};
  static_assert(convolution.rows(10) == 120 && convolution.inputs() == 18 && convolution.outputs() == 5);
  static_assert(convolution.weights() == 90 && !convolution.pointwise() && !convolution.dense());
  constexpr linear_map pointwise{{4, 3, 2}, {4, 3, 5}, {}};
  static_assert(pointwise.pointwise() && !pointwise.dense() && pointwise.rows(2) == 24);
  constexpr linear_map strided{{4, 4, 2}, {2, 2, 5}, {1, 1, 2, 0}};
  CHECK_FALSE(strided.pointwise());
  CHECK_FALSE(linear_map{{4, 4, 2}, {4, 2, 5}, {1, 1, {1, 2}}}.pointwise());
  CHECK_FALSE(linear_map{{4, 4, 2}, {4, 6, 5}, {1, 1, 1, {0, 1}}}.pointwise());
  constexpr linear_map dense{{1, 1, 8}, {1, 1, 3}, {}};
  CHECK(dense.dense());
  CHECK(dense.weights() == 24);
}

TEST_CASE("linear_map: what is of a kind") {
  using localis::map_kind;
  const auto kinds = [](const linear_map& map) {
    std::string all;
    for (const auto& [name, kind] :
         {std::pair{"dense ", map_kind::dense}, std::pair{"pointwise ", map_kind::pointwise},
          std::pair{"convolution ", map_kind::convolution}, std::pair{"3x3 ", map_kind::plain_3x3}}) {
      if (map.is(kind)) all += name;
    }
    CHECK((map.is(map_kind::any) && map.is(map_kind::grouped)));
    return all;
  };
  CHECK(kinds({{1, 1, 8}, {1, 1, 3}, {}}) == "dense pointwise ");
  CHECK(kinds({{4, 3, 2}, {4, 3, 5}, {}}) == "pointwise convolution ");
  CHECK(kinds({{4, 4, 2}, {2, 2, 5}, {1, 1, 2, 0}}) == "convolution ");
  CHECK(kinds({{7, 6, 2}, {7, 6, 5}, {3, 3, 1, 1}}) == "convolution 3x3 ");
  CHECK(kinds({{7, 6, 2}, {4, 3, 5}, {3, 3, 2, 1}}) == "convolution ");
  CHECK(kinds({{7, 6, 2}, {5, 4, 5}, {3, 3, 1, 1, 2}}) == "convolution ");
  CHECK(kinds({{7, 6, 2}, {7, 6, 4}, {3, 3, 1, 1}, 2}).empty());
}
