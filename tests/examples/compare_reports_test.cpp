#include "lab/report/compare_reports.hpp"

#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "lab/report/report_json.hpp"
#include "support/reports.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using reports::count;

namespace {

/// Exit status, and what it says on the error output.
std::pair<int, std::string> run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "compare_reports");
  std::vector<const char*> argv;
  for (const std::string& one : arguments) argv.push_back(one.c_str());
  const std::ostringstream said;
  const std::ostringstream told;
  auto* const error_buffer = std::cerr.rdbuf(said.rdbuf());
  auto* const out_buffer = std::cout.rdbuf(told.rdbuf());
  const int status = examples::compare_reports(static_cast<int>(argv.size()), argv.data());
  std::cerr.rdbuf(error_buffer);
  std::cout.rdbuf(out_buffer);
  return {status, said.str()};
}

}  // namespace

TEST_CASE("compare_reports: a column for each report, a row for each run that any has, a line in each plot") {
  const temporary_folder folder;
  const std::string one = (folder.path / "one").string();
  const std::string two = (folder.path / "two").string();
  const auto page = folder.path / "pages" / "both.html";
  auto all = reports::experiment();
  write_file(folder.path / "one" / "report.json", report_json(all));
  all.chosen.epochs = 3;
  all.runs.pop_back();
  all.runs[0].test_accuracy = 0.5;
  write_file(folder.path / "two" / "report.json", report_json(all));
  REQUIRE(run({one, two, "--out", page.string()}) == std::pair<int, std::string>{0, ""});
  const std::string html = file_content(page);
  CHECK(count(html, "<tr><th>test accuracy, %</th><th>" + one + "</th><th>" + two + "</th></tr>") == 1);
  CHECK(count(html, "<tr><th>sgd</th><td>94.49</td><td>50.00</td></tr>") == 1);
  CHECK(count(html, "<tr><th>frozen &lt;static&gt;</th><td>94.49</td><td></td></tr>") == 1);
  CHECK(count(html, "<tr><th>--epochs</th><td>2</td><td>3</td></tr>") == 1);
  CHECK(count(html, "--batch") == 0);  // the same in both
  CHECK(count(html, "<title>" + two + ": 81.2") == 2);
  CHECK(count(html, "<h2>sgd: training loss</h2>") == 1);
  CHECK(count(html, "<script") == 0);
  // A page from before stays.
  CHECK(run({one, one, "--out", page.string()}) ==
        std::pair<int, std::string>{2, "compare_reports: --out: expected no both.html from before, found " +
                                           page.string() + "; another place keeps both\n"});
  CHECK(file_content(page) == html);
  // With itself: nothing differs.
  const auto same = folder.path / "same.html";
  REQUIRE(run({one, one, "--out", same.string()}).first == 0);
  CHECK(count(file_content(same), "All the same in all.") == 1);
}

TEST_CASE("compare_reports: runs are held against the curve of their own report, which may be a file") {
  const temporary_folder folder;
  const auto report = folder.path / "curve.json";
  const auto page = folder.path / "page.html";
  auto all = reports::experiment();
  all.runs.clear();
  const auto add = [&](const std::string& name, double seconds, double accuracy) {
    all.runs.push_back(reports::run(name, 1));
    all.runs.back().report.epochs[0].processor_seconds = seconds;
    all.runs.back().report.epochs[1].processor_seconds = 0;
    all.runs.back().test_accuracy = accuracy;
  };
  add("sgd 25", 10, 0.5);
  add("sgd 50", 20, 0.6);
  add("sgd", 40, 0.7);
  add("frozen static", 16, 0.6);
  write_file(report, report_json(all));
  REQUIRE(run({report.string(), "--out", page.string()}) == std::pair<int, std::string>{0, ""});
  CHECK(count(file_content(page), "<tr><th>frozen static</th><td>1.25</td></tr>") == 1);
}

TEST_CASE("compare_reports: what cannot be read or written is one line and status 2, and no page") {
  const temporary_folder folder;
  const std::string one = (folder.path / "one").string();
  const auto page = folder.path / "page.html";
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& message) {
    const auto [status, said] = run(arguments);
    CHECK(status == 2);
    CHECK(said == "compare_reports: " + message + '\n');
    CHECK_FALSE(std::filesystem::exists(page));
  };
  const std::string file = one + "/report.json";
  const std::string expected = file + ": expected the report.json of a comparison, found: ";
  fails({one, "--out", page.string()}, expected + "report: expected a file, found none");
  const std::string whole = report_json(reports::experiment());
  write_file(file, "[]");
  fails({one, "--out", page.string()}, expected + "[json.exception.type_error.304] cannot use at() with array");
  write_file(file, whole.substr(0, whole.size() / 2));
  const auto [status, said] = run({one, "--out", page.string()});
  CHECK(status == 2);
  CHECK(said.rfind("compare_reports: " + expected + "[json.exception.parse_error.101]", 0) == 0);
  CHECK(count(said, "\n") == 1);
  nlohmann::json incomplete = nlohmann::json::parse(whole);
  incomplete.erase("settings");
  write_file(file, incomplete.dump());
  fails({one, "--out", page.string()}, expected + "[json.exception.out_of_range.403] key 'settings' not found");
  write_file(file, whole);
  fails({}, "FOLDER is required; --help lists the options");
  write_file(folder.path / "taken", "a file");
  const std::string parent = (folder.path / "taken").string();
  fails({one, "--out", parent + "/page.html"}, "--out: " + parent + ": expected a folder, found: Not a directory");
}
