#include "lab/report/html_report.hpp"

#include <string>

#include "lab/report/confusion_table.hpp"
#include "support/reports.hpp"
#include <doctest/doctest.h>

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
