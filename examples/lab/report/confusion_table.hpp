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

/// The name of a class, or its number where it has none.
[[nodiscard]] inline std::string class_name(const std::vector<std::string>& names, std::size_t index) {
  return index < names.size() ? escaped(names[index]) : std::to_string(index);
}

/// The table of every pair of classes. Names stand upright over the columns, so that these stay narrow.
[[nodiscard]] inline std::string heat_table(const localis::confusion_matrix& seen,
                                            const std::vector<std::string>& names) {
  const std::string head = names.empty() ? "<th>" : "<th><span class='name'>";
  const std::string tail = names.empty() ? "</th>" : "</span></th>";
  std::string table = "<table class='heat'>\n<tr><th>true</th>";
  for (std::size_t c = 0; c < seen.classes(); ++c) table += head + class_name(names, c) + tail;
  table += "<th>recall %</th></tr>\n";
  for (std::size_t truth = 0; truth < seen.classes(); ++truth) {
    table += "<tr><th>" + class_name(names, truth) + "</th>";
    for (std::size_t c = 0; c < seen.classes(); ++c) table += heat_cell(seen, truth, c);
    table += "<td>" + percent(seen.recall(truth), 1) + "</td></tr>\n";
  }
  table += "<tr><th>precision %</th>";
  for (std::size_t c = 0; c < seen.classes(); ++c) table += "<td>" + percent(seen.precision(c), 1) + "</td>";
  return table + "<td>" + percent(seen.accuracy(), 1) + "</td></tr>\n</table>\n";
}

/// The pairs of classes that were confused most often.
[[nodiscard]] inline std::string worst_pairs(const localis::confusion_matrix& seen,
                                             const std::vector<std::string>& names, std::size_t pairs) {
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
    table += "<tr><td>" + class_name(names, truth) + "</td><td>" + class_name(names, predicted) + "</td><td>" +
             std::to_string(count) + "</td><td>" +
             percent(static_cast<double>(count) / static_cast<double>(seen.row(truth)), 1) + "</td></tr>\n";
  }
  return table + "</table>\n";
}

}  // namespace detail

/// Shows every pair of up to 30 classes; for more classes, the ten pairs that were confused most often.
/// @param names  of the classes; without them, a class is its number
[[nodiscard]] inline std::string confusion_table(const localis::confusion_matrix& seen,
                                                 const std::vector<std::string>& names = {}) {
  const bool whole = seen.classes() <= 30;
  return "<div class='wide'>" + (whole ? detail::heat_table(seen, names) : detail::worst_pairs(seen, names, 10)) +
         "</div>\n";
}

}  // namespace examples
