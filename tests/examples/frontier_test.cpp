#include "lab/frontier.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/reports.hpp"
#include <doctest/doctest.h>

using examples::budget_curve;
using examples::frontier;
using examples::run_kind;
using examples::run_result;

namespace {

constexpr run_kind kinds[] = {{.name = "sgd 25", .budget = 0.25},
                              {.name = "sgd 50", .budget = 0.5},
                              {.name = "sgd", .budget = 1},
                              {.name = "cheap"},
                              {.name = "strong"},
                              {.name = "weak"}};

run_result run(const std::string& name, std::uint64_t seed, double seconds, double accuracy) {
  run_result r = reports::run(name, seed);
  r.report.seconds = seconds;
  r.report.epochs[0].processor_seconds = seconds;
  r.report.epochs[1].processor_seconds = seconds;  // in all, twice as many as of the wall clock
  r.test_accuracy = accuracy;
  return r;
}

/// SGD is at 70, 80 and 90 % after 25, 50 and 100 s, and `shift` more in each seed.
std::vector<run_result> curve_of(const std::vector<double>& shifts) {
  std::vector<run_result> runs;
  for (std::size_t seed = 0; seed < shifts.size(); ++seed) {
    runs.push_back(run("sgd 25", seed, 25, 0.7 + shifts[seed]));
    runs.push_back(run("sgd 50", seed, 50, 0.8 + shifts[seed]));
    runs.push_back(run("sgd", seed, 100, 0.9 + shifts[seed]));
  }
  return runs;
}

frontier frontier_of(const std::vector<run_result>& runs, bool on_host = true) {
  return examples::frontier_of(runs, examples::compare(runs, {0.5, 0.5}, 2), kinds, on_host);
}

}  // namespace

TEST_CASE("frontier: the cost of an accuracy on a curve made by hand") {
  const budget_curve curve{{10, 40, 80}, {0.5, 0.7, 0.8}};
  CHECK(curve.cost_of(0.4) == 10);
  CHECK(curve.cost_of(0.5) == 10);
  CHECK(curve.cost_of(0.6) == doctest::Approx(20));  // half of the way from 10 to 40, in the logarithm
  CHECK(curve.cost_of(0.7) == 40);
  CHECK(curve.cost_of(0.8) == 80);
  CHECK(std::isinf(curve.cost_of(0.81)));
  // Where more work was worse, the cheapest point counts.
  const budget_curve bent{{10, 40, 80, 160}, {0.5, 0.7, 0.6, 0.8}};
  CHECK(bent.cost_of(0.65) == doctest::Approx(10 * std::pow(4, 0.75)));
  CHECK(bent.cost_of(0.75) == doctest::Approx(80 * std::pow(2, 0.75)));
}

TEST_CASE("frontier: the speed-up at equal accuracy") {
  auto runs = curve_of({0});
  runs.push_back(run("cheap", 0, 40, 0.85));
  runs.push_back(run("strong", 0, 80, 0.95));
  runs.push_back(run("weak", 0, 50, 0.6));
  for (const bool on_host : {true, false}) {
    const frontier found = frontier_of(runs, on_host);
    CHECK(found.of_processor == on_host);
    CHECK(found.seeds == 1);
    CHECK(found.curve.costs.front() == doctest::Approx(on_host ? 50 : 25));
    REQUIRE(found.rows.size() == 3);
    CHECK(found.rows[0].name == "cheap");
    CHECK(found.rows[0].speed_up == doctest::Approx(50 * std::sqrt(2) / 40));
    CHECK(found.rows[0].bound == ' ');
    CHECK(found.rows[1].speed_up == doctest::Approx(100.0 / 80));
    CHECK(found.rows[1].bound == '>');
    CHECK(found.rows[2].speed_up == doctest::Approx(25.0 / 50));
    CHECK(found.rows[2].bound == '<');
    CHECK(std::isnan(found.rows[0].low));
    CHECK(std::isnan(found.rows[0].loss_bound));
  }
  runs[0].report.epochs[0].processor_seconds = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(frontier_of(runs).of_processor);
}

TEST_CASE("frontier: what all seeds share is in no interval, and what differs is") {
  const std::vector<double> shifts{-0.02, 0, 0.01, 0.03, -0.01};
  auto runs = curve_of(shifts);
  for (std::size_t seed = 0; seed < shifts.size(); ++seed) {
    runs.push_back(run("cheap", seed, 40, 0.85 + shifts[seed]));
    runs.push_back(run("strong", seed, 40, 0.85 - 2 * shifts[seed]));
  }
  const frontier found = frontier_of(runs);
  CHECK(found.seeds == 5);
  REQUIRE(found.rows.size() == 2);
  CHECK(found.rows[0].low == doctest::Approx(found.rows[0].speed_up));
  CHECK(found.rows[0].high == doctest::Approx(found.rows[0].speed_up));
  CHECK(found.rows[0].loss_bound == doctest::Approx(0.05));
  // A shift of the curve against this run of 3 times the shifts moves the logarithm of its cost by ln(2) / 0.1 of that.
  double curve_squares = 0;
  for (const double shift : shifts) curve_squares += (shift - 0.002) * (shift - 0.002);
  const double deviation = 3 * std::log(2) / 0.1 * std::sqrt(curve_squares / 4 / 5);
  CHECK(std::log(found.rows[1].speed_up / found.rows[1].low) == doctest::Approx(2.776 * deviation).epsilon(0.05));
  CHECK(found.rows[1].high / found.rows[1].speed_up == doctest::Approx(found.rows[1].speed_up / found.rows[1].low));
  // The differences to sgd are 3 times the shifts: mean 0.006 below 0.05 + ..., deviation 3 times theirs.
  const double mean = 0.05 + 3 * 0.002;
  double squares = 0;
  for (const double shift : shifts) squares += (3 * shift - 0.006) * (3 * shift - 0.006);
  CHECK(found.rows[1].loss_bound == doctest::Approx(mean + 2.132 * std::sqrt(squares / 4 / 5)));
  CHECK(found.lowest[0] == doctest::Approx(0.68));
  CHECK(found.highest[2] == doctest::Approx(0.93));
}

TEST_CASE("frontier: there is none without three budgets, and seeds count that all of them have") {
  auto runs = curve_of({0, 0.01, 0.02});
  runs.push_back(run("cheap", 0, 40, 0.85));
  runs.push_back(run("cheap", 1, 40, 0.85));
  runs.push_back(run("cheap", 2, 40, 0.85));
  std::vector<run_result> two;
  for (const run_result& one : runs) {
    if (one.name != "sgd 50") two.push_back(one);
  }
  CHECK(frontier_of(two).rows.empty());
  CHECK(examples::frontier_cells(frontier_of(two)).empty());
  CHECK(examples::frontier_verdicts(frontier_of(two)).empty());
  runs[3].report.end = localis::ending::diverged;  // sgd 25 of seed 1
  const frontier found = frontier_of(runs);
  CHECK(found.seeds == 2);
  CHECK(found.rows.at(0).cost == doctest::Approx(80));
}

TEST_CASE("frontier: the table begins with the best run, and a sentence says who pays") {
  auto runs = curve_of({0, 0.01, 0.02});
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    runs.push_back(run("weak", seed, 50, 0.6));
    runs.push_back(run("cheap", seed, 40, 0.85));
  }
  const auto cells = examples::frontier_cells(frontier_of(runs));
  REQUIRE(cells.size() == 6);
  CHECK(cells[0][3] == "cost, s");
  CHECK(cells[1][0] == "cheap");
  CHECK(cells[2][0] == "weak");
  CHECK(cells[2][4] == "< 0.50");
  CHECK(cells[3] == std::vector<std::string>{"sgd 25", "71.00", "0.58", "50.0", "the curve", "-", "-"});
  CHECK(cells[5][0] == "sgd");
  const auto lines = examples::frontier_verdicts(frontier_of(runs));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].substr(0, 12) == "cheap pays: ");
  std::erase_if(runs, [](const run_result& one) { return one.name == "cheap"; });
  // Below the curve, the speed-up is only bounded, by a number above 1 here.
  for (std::size_t seed = 0; seed < 3; ++seed) runs.push_back(run("quick", seed, 10, 0.5));
  CHECK(frontier_of(runs).rows.back().low > 1);
  CHECK(examples::frontier_verdicts(frontier_of(runs)).at(0) ==
        "No run pays beyond the error: SGD stopped earlier does as well.");
}
