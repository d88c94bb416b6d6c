#pragma once

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <limits>
#include <string>
#include <vector>

#include "format.hpp"
#include "plot.hpp"

#include <localis/core/finite.hpp>

namespace examples {

/// A plot of values side by side, with a row of dots for each name.
struct dot_plot {
  struct row {
    std::string name;
    std::vector<double> values;
  };
  std::string title;
  std::string x_label;
  std::string note;
  std::vector<row> rows{};
  double mark = std::numeric_limits<double>::quiet_NaN();  ///< where a line runs through all rows
};

/// The figure, in the colours of plot_style().
[[nodiscard]] inline std::string drawn(const dot_plot& p) {
  constexpr double width = 860;
  std::size_t longest = 0;
  for (const dot_plot::row& row : p.rows) longest = std::max(longest, row.name.size());
  const double left = std::max(210.0, 8.0 * static_cast<double>(longest) + 14);  // room for the names
  constexpr double right = 842;
  constexpr double top = 8;
  constexpr double pitch = 24;
  const double bottom = top + pitch * static_cast<double>(p.rows.size());
  std::vector<line> extent(1);
  for (const dot_plot::row& row : p.rows) {
    extent[0].x.insert(extent[0].x.end(), row.values.begin(), row.values.end());
  }
  if (localis::is_finite(p.mark)) extent[0].x.push_back(p.mark);
  extent[0].y = extent[0].x;
  const detail::axis x = detail::axis_of(extent, &line::x, false, false, true, 8);
  const auto svg_x = [&x, left](double value) { return left + x.fraction(value) * (right - left); };

  text_stream out;
  out << std::fixed << std::setprecision(1);
  out << "<figure>\n<h2>" << escaped(p.title) << "</h2>\n<p class='note'>" << escaped(p.note) << "</p>\n"
      << "<svg class='plot' viewBox='0 0 " << width << ' ' << bottom + 48 << "' role='img' aria-label='"
      << escaped(p.title) << "'>\n";
  for (const double tick : x.ticks()) {
    out << "<path class='grid' d='M" << svg_x(tick) << ' ' << top << 'V' << bottom << "'/><text x='" << svg_x(tick)
        << "' y='" << bottom + 18 << "' text-anchor='middle'>" << detail::tick_text(tick, x) << "</text>\n";
  }
  if (localis::is_finite(p.mark)) {
    out << "<path d='M" << svg_x(p.mark) << ' ' << top << 'V' << bottom
        << "' stroke='var(--line-4)' stroke-width='1.5' stroke-dasharray='4 3'/>\n";
  }
  for (std::size_t r = 0; r < p.rows.size(); ++r) {
    const dot_plot::row& row = p.rows[r];
    const double y = top + pitch * (static_cast<double>(r) + 0.5);
    out << "<text x='" << left - 10 << "' y='" << y + 4.5 << "' text-anchor='end'>" << escaped(row.name) << "</text>\n";
    double sum = 0;
    for (const double value : row.values) {
      sum += value;
      out << "<circle cx='" << svg_x(value) << "' cy='" << y
          << "' r='4' fill='none' stroke='var(--line-1)' stroke-width='1.5'><title>" << escaped(row.name) << ": "
          << fixed(value, 2) << "</title></circle>\n";
    }
    if (row.values.empty()) continue;
    out << "<path d='M" << svg_x(sum / static_cast<double>(row.values.size())) << ' ' << y - 8
        << "v16' stroke='var(--text)' stroke-width='2.5'/>\n";
  }
  out << "<text x='" << (left + right) / 2 << "' y='" << bottom + 42 << "' text-anchor='middle'>" << escaped(p.x_label)
      << "</text>\n</svg>\n</figure>\n";
  return out.str();
}

}  // namespace examples
