#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "format.hpp"
#include "plot.hpp"

#include <localis/model/confusion_matrix.hpp>

/// A confusion matrix inside an HTML page.
namespace examples {

namespace detail {

/// A cell whose colour shows its fraction of the class. Errors are orange, and small fractions are visible, too.
[[nodiscard]] inline std::string heat_cell(const localis::confusion_matrix& seen, std::size_t truth,
                                           std::size_t predicted) {
  const std::size_t count = seen.count(truth, predicted);
  const double fraction = count == 0 ? 0 : static_cast<double>(count) / static_cast<double>(seen.row(truth));
  const std::string colour = truth == predicted ? "0,114,178" : "213,94,0";
  return "<td style='background:rgba(" + colour + ',' + fixed(0.6 * std::sqrt(fraction), 3) + ")'>" +
         std::to_string(count) + "</td>";
}

/// The table of every pair of classes.
[[nodiscard]] inline std::string heat_table(const localis::confusion_matrix& seen) {
  std::string table = "<table class='heat'>\n<tr><th>true</th>";
  for (std::size_t c = 0; c < seen.classes(); ++c) table += "<th>" + std::to_string(c) + "</th>";
  table += "<th>recall %</th></tr>\n";
  for (std::size_t truth = 0; truth < seen.classes(); ++truth) {
    table += "<tr><th>" + std::to_string(truth) + "</th>";
    for (std::size_t c = 0; c < seen.classes(); ++c) table += heat_cell(seen, truth, c);
    table += "<td>" + percent(seen.recall(truth), 1) + "</td></tr>\n";
  }
  table += "<tr><th>precision %</th>";
  for (std::size_t c = 0; c < seen.classes(); ++c) table += "<td>" + percent(seen.precision(c), 1) + "</td>";
  return table + "<td>" + percent(seen.accuracy(), 1) + "</td></tr>\n</table>\n";
}

/// The pairs of classes that were confused most often.
[[nodiscard]] inline std::string worst_pairs(const localis::confusion_matrix& seen, std::size_t pairs) {
  std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> wrong;  // how often, truth, prediction
  for (std::size_t truth = 0; truth < seen.classes(); ++truth) {
    for (std::size_t c = 0; c < seen.classes(); ++c) {
      if (truth != c && seen.count(truth, c) > 0) wrong.emplace_back(seen.count(truth, c), truth, c);
    }
  }
  std::sort(wrong.begin(), wrong.end(),
            [](const auto& a, const auto& b) { return get<0>(a) != get<0>(b) ? get<0>(a) > get<0>(b) : a < b; });
  wrong.resize(std::min(wrong.size(), pairs));
  std::string table = "<table>\n<tr><th>true</th><th>taken for</th><th>pictures</th><th>% of the class</th></tr>\n";
  for (const auto& [count, truth, predicted] : wrong) {
    table += "<tr><td>" + std::to_string(truth) + "</td><td>" + std::to_string(predicted) + "</td><td>" +
             std::to_string(count) + "</td><td>" +
             percent(static_cast<double>(count) / static_cast<double>(seen.row(truth)), 1) + "</td></tr>\n";
  }
  return table + "</table>\n";
}

}  // namespace detail

/// Shows every pair of up to 30 classes; for more classes, the ten pairs that were confused most often.
[[nodiscard]] inline std::string confusion_table(const localis::confusion_matrix& seen) {
  const bool whole = seen.classes() <= 30;
  return "<div class='wide'>" + (whole ? detail::heat_table(seen) : detail::worst_pairs(seen, 10)) + "</div>\n";
}

}  // namespace examples
