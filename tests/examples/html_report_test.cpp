#include "lab/report/html_report.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "lab/report/confusion_table.hpp"
#include "support/reports.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using reports::count;

TEST_CASE("html_report: the confusion matrix of each run, over its seeds, and the filters of the first") {
  auto all = reports::experiment();
  all.chosen.seeds = {1, 2};
  all.runs.push_back(reports::run("sgd", 2));
  all.runs[0].filters = "<svg>first</svg>";
  all.runs[2].filters = "<svg>second</svg>";
  const std::string page = report_html(all);
  CHECK(count(page, ">80</td>") == 3);
  CHECK(count(page, ">14</td>") == 1);
  CHECK(count(page, ">40</td>") == 3);
  CHECK(count(page, ">7</td>") == 1);
  CHECK(count(page, "<svg>first</svg>") == 1);
  CHECK(count(page, "<svg>second</svg>") == 0);
  CHECK(count(page, "<h3>frozen &lt;static&gt;</h3>") == 1);
  CHECK(count(page, "<static>") == 0);
  CHECK(count(page, "http") == count(page, "http://www.w3.org/2000/svg"));  // no other files
  CHECK(count(page, "<script") == 0);
  all.runs = {reports::run("sgd", 1)};
  all.runs[0].confusion = {};
  CHECK(count(report_html(all), "Which class was taken for which") == 0);
  CHECK(count(report_html(all), "Weights of the first layer") == 0);
}

TEST_CASE("confusion_table: counts, shares, and the colour of each cell") {
  localis::confusion_matrix m(2);
  m.add(0, 0, 3);
  m.add(0, 1, 1);
  m.add(1, 1, 4);
  // Shares 3/4, 1/4, 0 and 1; recalls 75 and 100, precisions 100 and 80, accuracy 7/8.
  CHECK(examples::confusion_table(m) ==
        "<div class='wide'><table class='heat'>\n"
        "<tr><th>true</th><th>0</th><th>1</th><th>recall %</th></tr>\n"
        "<tr><th>0</th><td style='background:rgba(0,114,178,0.520)'>3</td>"
        "<td style='background:rgba(213,94,0,0.300)'>1</td><td>75.0</td></tr>\n"
        "<tr><th>1</th><td style='background:rgba(213,94,0,0.000)'>0</td>"
        "<td style='background:rgba(0,114,178,0.600)'>4</td><td>100.0</td></tr>\n"
        "<tr><th>precision %</th><td>100.0</td><td>80.0</td><td>87.5</td></tr>\n"
        "</table>\n</div>\n");
}

TEST_CASE("confusion_table: of many classes the pairs that were taken for one another most often") {
  localis::confusion_matrix m(31);
  for (std::size_t c = 0; c < 31; ++c) m.add(c, c, 8);
  for (std::size_t c = 1; c < 13; ++c) m.add(c, c - 1, c);
  const std::string table = examples::confusion_table(m);
  CHECK(count(table, "<tr>") == 11);
  CHECK(count(table, "<tr><td>12</td><td>11</td><td>12</td><td>60.0</td></tr>") == 1);
  CHECK(count(table, "<tr><td>3</td><td>2</td>") == 1);
  CHECK(count(table, "<tr><td>2</td><td>1</td>") == 0);
}

TEST_CASE("confusion_table: names of classes over its columns, and beside its rows and pairs") {
  localis::confusion_matrix m(2);
  m.add(0, 1, 1);
  const std::string table = examples::confusion_table(m, {"cat", "<dog>"});
  CHECK(count(table, "<th><span class='name'>&lt;dog&gt;</span></th>") == 1);
  CHECK(count(table, "<tr><th>cat</th>") == 1);
  localis::confusion_matrix many(31);
  many.add(30, 1, 2);
  std::vector<std::string> names(31, "other");
  names[30] = "bird";
  CHECK(count(examples::confusion_table(many, names), "<tr><td>bird</td><td>other</td><td>2</td>") == 1);
}

TEST_CASE("html_report: bands over the seeds, differences within a seed, names of network, rules and classes") {
  auto all = reports::experiment();
  CHECK(count(report_html(all), "class='band'") == 0);  // one seed
  all.chosen.seeds = {1, 2, 3};
  all.runs.clear();
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    auto sgd = reports::run("sgd", seed);
    auto frozen = reports::run("frozen <static>", seed);
    sgd.test_accuracy = 0.5 + 0.1 * static_cast<double>(seed);
    frozen.test_accuracy = sgd.test_accuracy - 0.01 * static_cast<double>(seed);
    sgd.report.epochs[1].loss = 0.2 * static_cast<double>(seed);
    all.runs.push_back(sgd);
    all.runs.push_back(frozen);
  }
  const std::string page = report_html(all);
  // Differences of -1, -2 and -3 points: mean -2, standard error 1 / sqrt(3).
  CHECK(count(page, "<tr><th>frozen &lt;static&gt;</th><td>-2.00</td><td>0.58</td><td>3</td></tr>") == 1);
  CHECK(count(page, "<title>frozen &lt;static&gt;: -3.00</title>") == 1);
  CHECK(count(page, "<th><span class='name'>dog &amp; cow</span></th>") == 2);
  CHECK(count(page, "Network lenet, before the boundary oja<") == 1);
  CHECK(count(page, "<h2>Memory</h2>") == 1);
  const auto plot = page.find("<h2>Difference to sgd from the same seed</h2>");
  CHECK(count(page.substr(plot, page.find("</figure>", plot) - plot), ">0</text>") == 1);  // where sgd is
  const auto loss = page.find("<h2>Training loss</h2>");
  CHECK(count(page.substr(loss, page.find("</figure>", loss) - loss), "class='band'") == 2);
  const auto json = nlohmann::json::parse(report_json(all));
  CHECK(json.at("table").at(1).at("difference_to_sgd").get<double>() == doctest::Approx(-0.02));
  CHECK(json.at("table").at(1).at("difference_error").get<double>() == doctest::Approx(0.01 / std::sqrt(3.0)));
  CHECK(json.at("network").at("name") == "lenet");
  CHECK(json.at("network").at("rules").dump() == R"(["oja"])");
  CHECK(json.at("data").at("class_names").dump() == R"(["cat","dog & cow","ox"])");
}

TEST_CASE("html_report: a plot for each diagnosed run with a line for each stage, and none without a diagnosis") {
  auto all = reports::experiment();
  all.chosen.batch = 1200;
  const std::string without = report_html(all);
  CHECK(count(without, "Update alignment") == 0);
  CHECK(count(without, "Dead units") == 0);
  for (auto& run : all.runs) {
    for (auto& e : run.report.epochs) {
      const auto epoch = static_cast<double>(e.epoch);
      const bool learns = run.name != "sgd";
      e.stage_cosines = {learns ? 0.25 - 0.5 * epoch : examples::no_number, examples::no_number};
      e.stage_dead_fractions = {0, examples::no_number};
    }
  }
  const auto section = [&](const std::string& title) {
    const std::string page = report_html(all);
    const auto begin = page.find("<h2>" + title + "</h2>");
    REQUIRE(begin != std::string::npos);
    return page.substr(begin, page.find("<h2>", begin + 1) - begin);
  };
  const std::string alignment = section("Update alignment");
  CHECK(count(alignment, " on 1,200 training pictures at the end of each epoch") == 1);
  CHECK(count(alignment, "<h3>") == 1);
  CHECK(count(alignment, "<h3>frozen &lt;static&gt;</h3>") == 1);
  CHECK(count(alignment, "<title>stage 0: 0.250 at 1</title>") == 1);
  CHECK(count(alignment, "<title>stage 0: -0.250 at 2</title>") == 1);
  CHECK(count(alignment, "</svg>stage 0</span>") == 1);
  CHECK(count(alignment, "stage 1") == 0);  // has no value
  CHECK(count(alignment, ">epoch</text>") == 1);
  CHECK(count(alignment, ">cosine of local update and gradient step</text>") == 1);
  CHECK(count(section("Dead units"), "<h3>") == 0);
  CHECK(count(section("Dead units"), "None: no unit of any run was dead.") == 1);
  all.runs[0].report.epochs[1].stage_dead_fractions[0] = 0.125;
  const std::string dead = section("Dead units");
  CHECK(count(dead, "<h3>") == 2);
  CHECK(count(dead, "<title>stage 0: 12.50 at 2</title>") == 1);
  CHECK(count(dead, "None: ") == 0);
  CHECK(count(dead, ">-") == 0);  // no tick below 0, nor where all values are
}

TEST_CASE("plot: values that differ by rounding alone have ticks like one value") {
  const double value = 204.315272;
  const double next = std::nextafter(value, 1000);
  const std::string drawing =
      drawn(examples::plot{.lines = {{.name = "bytes", .x = {value, next}, .y = {value, next}}}});
  CHECK(count(drawing, "class='grid'") <= 12);
  CHECK(count(drawing, "class='tick'") <= 18);
}

TEST_CASE("plot: a band is the high ends forwards and the low ends backwards, with a gap where a value is none") {
  const auto same = [](double value) { return value; };
  examples::line l;
  l.x = {0, 1, 2, 3};
  l.y = {1, 1, 1, 1};
  l.low = {0, 0, examples::no_number, 0};
  l.high = {2, 3, examples::no_number, 2};
  CHECK(examples::detail::drawn_band(l, same, same) ==
        "<path class='band' d='M0.0 2.0L1.0 3.0L1.0 0.0L0.0 0.0ZM3.0 2.0L3.0 0.0Z' fill='var(--line-0)' "
        "fill-opacity='0.15'/>\n");
}

TEST_CASE("verdicts: two runs are compared within the seeds that both have") {
  examples::table_row a, b;
  a.name = a.label = "a";
  b.name = b.label = "b";
  a.seeds = b.seeds = 2;
  a.tests = {{1, 0.9}, {2, 0.7}, {4, 0.1}};
  b.tests = {{1, 0.88}, {2, 0.66}, {3, 0.99}};
  a.test = b.test = 0.8;
  a.seconds = b.seconds = 1;
  const auto found = examples::paired_difference(a, b);
  CHECK(found.values.size() == 2);
  CHECK(found.mean == doctest::Approx(0.03));
  CHECK(found.error == doctest::Approx(0.01));
  const auto lines = examples::verdicts({a, b}, {{"Pair", "a", "b"}}, 100);
  REQUIRE(lines.size() == 3);
  CHECK(count(lines[1],
              ": a is more accurate by 3.00 +- 1.00 points (paired by 2 seeds, +- standard error); a takes") == 1);
}
