#include "reproduce/selective_localized.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using examples::table_row;
using examples::selective_localized::choose;
using examples::selective_localized::setting;

namespace {

table_row row(const std::string& name, double validation, double speed_up) {
  table_row result;
  result.name = name;
  result.validation = validation;
  result.speed_up = speed_up;
  return result;
}

}  // namespace

TEST_CASE("selective_localized: the fastest boundary of a family that loses at most half a point of validation") {
  std::vector<table_row> table{row("sgd 50", 0.88, 2.0),       row("sgd", 0.9, 1.0),
                               row("static 20", 0.89, 1.6),    row("static 40", 0.8951, 1.4),
                               row("static 60", 0.91, 1.2),    row("dynamic 0.8", 0.8, 1.3),
                               row("dynamic 1.0", 0.8949, 1.1)};
  REQUIRE(choose(table, "static") != nullptr);
  CHECK(choose(table, "static")->name == "static 40");
  CHECK(choose(table, "dynamic") == nullptr);
  table[3].diverged = 1;
  CHECK(choose(table, "static")->name == "static 60");
  table[1].name = "another";
  CHECK(choose(table, "static") == nullptr);
}

TEST_CASE("selective_localized: settings as schedulers") {
  const localis::schedule_limits limits{.stages = 6, .highest = 5, .epochs = 10, .steps_per_epoch = 3};
  std::size_t moves = 0;
  for (const setting& one : examples::selective_localized::settings) {
    auto scheduler = one.scheduler(10);
    scheduler.start(limits);
    CHECK(scheduler.boundary(0, 0) == 0);
    CHECK(one.is_local() == (one.kind.name.substr(0, 3) != "sgd"));
    if (one.begin > 0) {
      const auto begin = static_cast<std::size_t>(10 * one.begin + 0.5);
      CHECK(scheduler.boundary(begin, 0) == 0);
      CHECK(scheduler.boundary(9, 0) > 0);
      ++moves;
    }
    CHECK(one.epochs(10) == (one.is_local() ? 10 : examples::epochs_of(one.kind, 10)));
  }
  CHECK(moves == 3);
}
