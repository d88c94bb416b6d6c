#include "lab/report/filter_picture.hpp"

#include <string>

#include "support/reports.hpp"
#include <doctest/doctest.h>

using reports::count;

TEST_CASE("filter_picture: grey filters from blue over white to red, by their own largest weight") {
  const std::string picture = examples::drawn({{"one", {0.5F, -0.5F, 0, 0}}}, 2, 1);
  // Zoomed by 12: a head of 3, and a unit at (2, 3).
  CHECK(count(picture, "<path d='M2 3h1' transform='translate(0 .5)' stroke='rgb(178,24,43)'/>") == 1);
  CHECK(count(picture, "<path d='M3 3h1' transform='translate(0 .5)' stroke='rgb(33,102,172)'/>") == 1);
  CHECK(count(picture, "<path d='M2 4h2' transform='translate(0 .5)' stroke='rgb(255,255,255)'/>") == 1);
  CHECK(count(picture, "viewBox='0 0 6 9' width='72' height='108'") == 1);
  CHECK(count(picture, ">one</text>") == 1);
}

TEST_CASE("filter_picture: filters of three channels are in colour") {
  const std::string picture = examples::drawn({{"", {2, 0, -2, 1, 1, 1}, 3}}, 1, 2);
  CHECK(count(picture, "<path d='M2 1.5h1' transform='translate(0 .5)' stroke='rgb(255,128,0)'/>") == 1);
  CHECK(count(picture, "<path d='M5 1.5h1' transform='translate(0 .5)' stroke='rgb(255,255,255)'/>") == 1);
}

TEST_CASE("filter_picture: a unit of nothing but zeros is white") {
  CHECK(count(examples::drawn({{"", {0, 0, 0, 0}}}, 2, 1), "rgb(255,255,255)") == 1);
}
