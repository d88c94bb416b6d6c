#include "lab/seed_table.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/message.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using examples::seed_table;
using examples::setting_options;
using localis_test::message;

namespace {

seed_table table_in(const temporary_folder& folder, bool resume, std::string facts = "3 epochs") {
  setting_options chosen;
  chosen.out = folder.path.string();
  chosen.resume = resume;
  return {chosen, "Few labels", std::move(facts), {"hebb", "sgd"}, {"100", "200"}};
}

}  // namespace

TEST_CASE("seed_table: means, errors and the winner of each condition are those of the seeds") {
  const temporary_folder folder;
  seed_table table = table_in(folder, false);
  table.set("hebb", "100", 1, 0.5);
  table.set("hebb", "100", 2, 0.6);
  table.set("sgd", "100", 1, 0.4);
  table.set("sgd", "100", 2, 0.48);
  table.set("sgd", "200", 1, 0.7);
  const auto rows = table.table();
  CHECK(rows[1] == std::vector<std::string>{"hebb", "55.00 +- 5.00", "-"});
  CHECK(rows[2] == std::vector<std::string>{"sgd", "44.00 +- 4.00", "70.00"});
  const auto lines = table.verdicts();
  REQUIRE(lines.size() == 1);
  // Two differences whose error is 1 have a 95 % interval of 12.7 to each side.
  CHECK(lines[0] == "100: hebb wins over sgd by 11.00 +- 1.00 points (paired by 2 seeds), within the error.");
  table.set("hebb", "100", 3, 0.56);
  table.set("sgd", "100", 3, 0.45);
  CHECK(table.verdicts()[0] ==
        "100: hebb wins over sgd by 11.00 +- 0.58 points (paired by 3 seeds), beyond the error.");
}

TEST_CASE("seed_table: --resume goes on with what is done, and chooses nothing anew") {
  constexpr double rates[] = {0.02, 0.05, 0.5};
  const temporary_folder folder;
  {
    seed_table first = table_in(folder, false);
    first.set("sgd", "100", 7, 0.25);
    CHECK(first.choose("sgd", "100", rates, [](double rate) { return rate == 0.05 ? 0.6 : rate; }) == 0.05);
  }
  seed_table again = table_in(folder, true);
  CHECK(again.has("sgd", "100", 7));
  CHECK(!again.has("sgd", "100", 8));
  CHECK(!again.has("sgd", 7));
  CHECK(!again.has(7));
  CHECK(again.choose("sgd", "100", rates, [](double rate) { return rate; }) == 0.05);
  CHECK(again.choose("sgd", "200", rates, [](double rate) { return rate; }) == 0.5);
  again.set("sgd", "200", 7, 0.5);
  CHECK(again.has("sgd", 7));
  CHECK(!again.has(7));
  again.set("hebb", "100", 7, 0.5);
  again.set("hebb", "200", 7, 0.5);
  CHECK(again.has(7));
  CHECK(again.table()[2] == std::vector<std::string>{"sgd", "25.00", "50.00"});
}

TEST_CASE("seed_table: what runs cost is kept, and shown with the largest peak and the median of the seconds") {
  const temporary_folder folder;
  {
    seed_table first = table_in(folder, false);
    first.set("hebb", "200", 1, 0.5, examples::run_cost{"64", 3'000'000, 7});
    first.set("hebb", "200", 2, 0.5, examples::run_cost{"64", 2'000'000, 5});
  }
  seed_table again = table_in(folder, true);
  again.set("hebb", "200", 3, 0.5, examples::run_cost{"64", 1'000'000, 12});
  again.set("sgd", "200", 3, 0.5);
  const auto rows = again.costs();
  REQUIRE(rows.size() == 2);
  CHECK(rows[1] == std::vector<std::string>{"hebb", "200", "64", "3.00", "7.0"});
  CHECK(table_in(temporary_folder(), false).costs().empty());
  const auto runs = again.runs("200");
  REQUIRE(runs.size() == 3);  // that of sgd tells no cost
  CHECK(runs[2].name == "hebb");
  CHECK(runs[2].seed == 3);
  CHECK(runs[2].finished());
  CHECK(runs[2].test_accuracy == 0.5);
  CHECK(runs[2].report.seconds == 12);
  CHECK(runs[2].report.memory.peak == 1'000'000);
}

TEST_CASE("seed_table: further tables stand in the report, with what follows from them") {
  const temporary_folder folder;
  seed_table table = table_in(folder, false);
  table.set("sgd", "100", 1, 0.5);
  table.report({{"Gains", {{"run", "speed-up"}, {"sgd", "1.20"}}, {"sgd pays."}}});
  const std::string page = file_content(folder.path / "report.html");
  CHECK(page.find("<h2>Gains</h2>") != std::string::npos);
  CHECK(page.find("<p>sgd pays.</p>") != std::string::npos);
  CHECK(file_content(folder.path / "table.md").find("Gains\n\n| run |") != std::string::npos);
}

TEST_CASE("seed_table: refuses to replace a report, and to go on with one that is missing, broken or of other runs") {
  const temporary_folder folder;
  const std::string report = (folder.path / "report.json").string();
  CHECK(message<localis::error>([&] { (void)table_in(folder, true); }) ==
        "--resume: " + report + ": expected an earlier report, found none");
  table_in(folder, false).set("sgd", "100", 1, 0.5);
  CHECK(message<localis::error>([&] { (void)table_in(folder, false); }).find("expected no report.json from before") !=
        std::string::npos);
  CHECK(message<localis::error>([&] { (void)table_in(folder, true, "4 epochs"); }) ==
        "--resume: " + report + ": expected a report of \"4 epochs\", found one of \"3 epochs\"");
  const std::string whole = file_content(report);
  write_file(report, whole.substr(0, whole.size() / 2));
  CHECK(message<localis::error>([&] {
          (void)table_in(folder, true);
        }).find("expected a report of this program, found ") != std::string::npos);
  write_file(report, "{}");
  CHECK(message<localis::error>([&] {
          (void)table_in(folder, true);
        }).find("expected a report of this program, found ") != std::string::npos);
}
