#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iomanip>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "format.hpp"

#include <localis/core/finite.hpp>

/// Line plots as SVG inside an HTML page, without scripts. Colours are CSS variables of the page (see plot_style), so
/// that one drawing serves light and dark.
namespace examples {

[[nodiscard]] inline std::string escaped(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += letter;
    }
  }
  return result;
}

/// The appearance of a line. Colours follow Okabe and Ito; dash and marker distinguish the lines without colour.
struct line_style {
  const char* light;   ///< colour on white
  const char* dark;    ///< colour on near black
  const char* dash;    ///< SVG dash array, "" for a whole line
  const char* marker;  ///< SVG path around 0,0
  bool hollow;
};

namespace marker {
inline constexpr const char* circle = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z";
inline constexpr const char* square = "M-3.6-3.6h7.2v7.2h-7.2z";
inline constexpr const char* triangle = "M0-4.8L4.6 3.4H-4.6z";
inline constexpr const char* diamond = "M0-5L5 0L0 5L-5 0z";
}  // namespace marker

/// The styles of lines: squares mean a static boundary, triangles a dynamic one, and dashes frozen stages.
inline constexpr std::array<line_style, 9> line_styles{{
    {"#1b1f23", "#f0f2f4", "", marker::circle, false},
    {"#0072b2", "#5ab1f0", "", marker::square, false},
    {"#d55e00", "#ff8a4c", "", marker::triangle, false},
    {"#009e73", "#2fc79a", "", marker::diamond, false},
    {"#b0538f", "#e39bc8", "7 4", marker::square, true},
    {"#b0538f", "#e39bc8", "2 3", marker::square, true},
    {"#2f8fc9", "#9bd3f7", "7 4", marker::triangle, true},
    {"#2f8fc9", "#9bd3f7", "2 3", marker::triangle, true},
    {"#6e7781", "#a8b1ba", "10 3 2 3", marker::circle, true},
}};

/// The style of any number: after the ninth, the colours repeat with other dashes.
[[nodiscard]] inline line_style style_of(std::size_t number) {
  constexpr const char* dashes[] = {"1 4", "12 4", "6 2 1 2"};
  line_style style = line_styles[number % line_styles.size()];
  const std::size_t round = number / line_styles.size();
  if (round > 0) {
    style.dash = dashes[(round - 1) % std::size(dashes)];
    style.hollow = !style.hollow;
  }
  return style;
}

[[nodiscard]] inline std::string colour_of(std::size_t number) {
  return "var(--line-" + std::to_string(number % line_styles.size()) + ')';
}

struct line {
  std::string name;
  std::size_t style = 0;  ///< number for style_of
  std::vector<double> x;
  std::vector<double> y;      ///< a value that is not a number leaves a gap
  std::vector<double> low{};  ///< with high: the ends of a band around y; empty: no band
  std::vector<double> high{};
};

struct plot {
  std::string title{};
  std::string x_label{};
  std::string y_label{};
  std::string note{};  ///< shown below the title
  bool steps = false;  ///< y holds from half a step before x to half a step behind
  bool whole_x = false;
  bool whole_y = false;
  bool zero_y = false;    ///< y begins at 0
  bool powers_x = false;  ///< x are exponents of 2, and its ticks say the powers
  std::vector<line> lines{};
  const char* heading = "h2";  ///< tag of the title
};

namespace detail {

struct axis {
  double low = 0;
  double high = 1;
  double step = 1;

  [[nodiscard]] double fraction(double value) const { return (value - low) / (high - low); }
  /// Digits behind the point that tell its ticks apart.
  [[nodiscard]] int digits() const {
    int count = 0;
    for (double s = step; count < 9 && std::abs(s - std::round(s)) > 1e-9 * step; s *= 10) ++count;
    return count;
  }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> result;
    const double last = std::floor(high / step + 1e-9);
    for (double i = std::ceil(low / step - 1e-9); i <= last; ++i) result.push_back(i * step);
    return result;
  }
};

[[nodiscard]] inline std::string tick_text(double tick, const axis& scale) {
  if (std::abs(tick) < 1e-6 * scale.step) return "0";  // and no -0
  if (std::abs(tick) < 1e6 && scale.digits() <= 5) return fixed(tick, scale.digits());
  text_stream out;
  out << std::setprecision(3) << tick;
  return out.str();
}

[[nodiscard]] inline bool has_points(const line& l) {
  for (std::size_t i = 0; i < l.x.size(); ++i) {
    if (localis::is_finite(l.x[i]) && localis::is_finite(l.y[i])) return true;
  }
  return false;
}

/// Makes an axis with about `wanted` ticks at 1, 2 or 5 times a power of ten. Ends that differ by rounding alone, as
/// means of equal values do, are one value.
[[nodiscard]] inline axis make_axis(double low, double high, bool whole, double wanted) {
  if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high)))) {
    const double room = whole ? 1.0 : std::max(std::abs(low) * 0.05, 1e-3);
    if (!whole) low -= room;
    high += room;
  }
  const double rough = (high - low) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough * 0.999) step = factor * power;
  }
  if (whole) step = std::max(1.0, std::round(step));
  return {low, high, step};
}

[[nodiscard]] inline axis axis_of(const std::vector<line>& lines, const std::vector<double> line::*values, bool whole,
                                  bool from_zero, bool rounded, double wanted) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const line& l : lines) {
    for (std::size_t i = 0; i < l.x.size(); ++i) {
      if (!localis::is_finite(l.x[i]) || !localis::is_finite(l.y[i])) continue;
      low = std::min(low, (l.*values)[i]);
      high = std::max(high, (l.*values)[i]);
    }
  }
  if (!(low <= high)) low = 0, high = 1;
  if (from_zero) low = std::min(low, 0.0);
  if (from_zero && !whole && !(high > low)) high = low + 1;
  axis result = make_axis(low, high, whole, wanted);
  if (rounded) {
    result.low = std::floor(result.low / result.step + 1e-9) * result.step;
    result.high = std::ceil(result.high / result.step - 1e-9) * result.step;
  }
  return result;
}

[[nodiscard]] inline std::string drawn_marker(const line& l, const std::string& place, const std::string& told) {
  const line_style style = style_of(l.style);
  const std::string colour = colour_of(l.style);
  std::string path = "<path d='" + std::string(style.marker) + '\'';
  if (!place.empty()) path += " transform='translate(" + place + ")'";
  path += " stroke='" + colour + "' stroke-width='1.5' fill='" + (style.hollow ? "var(--page)" : colour) + '\'';
  return told.empty() ? path + "/>" : path + "><title>" + escaped(told) + "</title></path>";
}

/// The band of a line: for each stretch without a gap the high ends forwards and the low ends backwards.
template <class X, class Y>
[[nodiscard]] std::string drawn_band(const line& l, const X& svg_x, const Y& svg_y) {
  text_stream path;
  path << std::fixed << std::setprecision(1);
  const auto known = [&l](std::size_t i) {
    return i < l.low.size() && localis::is_finite(l.x[i]) && localis::is_finite(l.low[i]);
  };
  for (std::size_t begin = 0; begin < l.low.size(); ++begin) {
    if (!known(begin)) continue;
    std::size_t end = begin;
    for (; known(end); ++end) path << (end == begin ? 'M' : 'L') << svg_x(l.x[end]) << ' ' << svg_y(l.high[end]);
    for (std::size_t i = end; i-- > begin;) path << 'L' << svg_x(l.x[i]) << ' ' << svg_y(l.low[i]);
    path << 'Z';
    begin = end;
  }
  if (path.str().empty()) return {};
  return "<path class='band' d='" + path.str() + "' fill='" + colour_of(l.style) + "' fill-opacity='0.15'/>\n";
}

/// The band of a line of one point, as a stroke through it.
template <class X, class Y>
[[nodiscard]] std::string drawn_bar(const line& l, const X& svg_x, const Y& svg_y) {
  const bool known = !l.low.empty() && localis::is_finite(l.x[0]) && localis::is_finite(l.low[0]);
  if (!known) return {};
  text_stream path;
  path << std::fixed << std::setprecision(1) << 'M' << svg_x(l.x[0]) << ' ' << svg_y(l.low[0]) << 'V'
       << svg_y(l.high[0]);
  return "<path class='bar' d='" + path.str() + "' stroke='" + colour_of(l.style) + "' stroke-width='1.5'/>\n";
}

[[nodiscard]] inline std::string stroke_of(const line& l) {
  const std::string dash = style_of(l.style).dash;
  std::string result = "fill='none' stroke='" + colour_of(l.style) + "' stroke-width='2'";
  return dash.empty() ? result : result + " stroke-dasharray='" + dash + '\'';
}

[[nodiscard]] inline std::string legend(const std::vector<line>& lines) {
  std::string result = "<p class='legend'>";
  for (const line& l : lines) {
    result += "<span><svg width='44' height='14' viewBox='-22 -7 44 14' aria-hidden='true'><path d='M-21 0H21' " +
              stroke_of(l) + "/>" + drawn_marker(l, "", "") + "</svg>" + escaped(l.name) + "</span> ";
  }
  return result + "</p>\n";
}

}  // namespace detail

/// Draws the figure with its legend, or a sentence if there is nothing to draw.
[[nodiscard]] inline std::string drawn(plot p) {
  std::erase_if(p.lines, [](const line& l) { return !detail::has_points(l); });
  if (p.lines.empty()) return "<h2>" + escaped(p.title) + "</h2>\n<p class='note'>No values so far.</p>\n";
  constexpr double width = 860;
  constexpr double height = 380;
  constexpr double left = 74;
  constexpr double right = 842;
  constexpr double top = 34;
  constexpr double bottom = 330;
  detail::axis x =
      detail::axis_of(p.lines, &line::x, p.whole_x || p.powers_x, !p.whole_x && !p.powers_x, p.powers_x, 9);
  std::vector<line> extent = p.lines;
  for (const line& l : p.lines) {
    for (const auto* ends : {&l.low, &l.high}) {
      if (!ends->empty()) extent.push_back({l.name, l.style, l.x, *ends});
    }
  }
  detail::axis y = detail::axis_of(extent, &line::y, p.whole_y, p.whole_y || p.zero_y, !p.whole_y, 6);
  if (p.whole_y) {
    y.low -= 0.25;  // lines that lie on whole numbers keep clear of the frame
    y.high += 0.25;
  }
  if (p.steps) {
    x.low -= 0.5;
    x.high += 0.5;
  }
  const auto svg_x = [&x](double value) { return left + x.fraction(value) * (right - left); };
  const auto svg_y = [&y](double value) { return bottom - y.fraction(value) * (bottom - top); };

  text_stream out;
  out << std::fixed << std::setprecision(1);
  out << "<figure>\n<" << p.heading << '>' << escaped(p.title) << "</" << p.heading << ">\n";
  if (!p.note.empty()) out << "<p class='note'>" << escaped(p.note) << "</p>\n";
  out << "<svg class='plot' viewBox='0 0 " << width << ' ' << height << "' role='img' aria-label='"
      << escaped(p.title + ": " + p.y_label) << "'>\n";
  for (const double tick : y.ticks()) {
    out << "<path class='grid' d='M" << left << ' ' << svg_y(tick) << 'H' << right << "'/><text x='" << left - 9
        << "' y='" << svg_y(tick) + 4.5 << "' text-anchor='end'>" << detail::tick_text(tick, y) << "</text>\n";
  }
  for (const double tick : x.ticks()) {
    out << "<path class='tick' d='M" << svg_x(tick) << ' ' << bottom << "v6'/><text x='" << svg_x(tick) << "' y='"
        << bottom + 21 << "' text-anchor='middle'>"
        << (p.powers_x ? exact(std::exp2(std::round(tick))) : detail::tick_text(tick, x)) << "</text>\n";
  }
  out << "<path class='frame' d='M" << left << ' ' << top << 'V' << bottom << 'H' << right << "'/>\n";
  out << "<text x='" << (left + right) / 2 << "' y='" << height - 6 << "' text-anchor='middle'>" << escaped(p.x_label)
      << "</text><text x='6' y='16'>" << escaped(p.y_label) << "</text>\n";

  for (const line& l : p.lines) {
    out << (l.x.size() == 1 ? detail::drawn_bar(l, svg_x, svg_y) : detail::drawn_band(l, svg_x, svg_y));
  }
  for (const line& l : p.lines) {
    text_stream path;
    path << std::fixed << std::setprecision(1);
    text_stream markers;
    markers << std::fixed << std::setprecision(1);
    bool pen_down = false;
    for (std::size_t i = 0; i < l.x.size(); ++i) {
      if (!localis::is_finite(l.x[i]) || !localis::is_finite(l.y[i])) {
        pen_down = false;
        continue;
      }
      const double h = svg_x(l.x[i]);
      const double v = svg_y(l.y[i]);
      if (p.steps) {
        path << (pen_down ? 'L' : 'M') << svg_x(l.x[i] - 0.5) << ' ' << v << 'H' << svg_x(l.x[i] + 0.5);
      } else {
        path << (pen_down ? 'L' : 'M') << h << ' ' << v;
      }
      pen_down = true;
      text_stream place;
      place << std::fixed << std::setprecision(1) << h << ' ' << v;
      const std::string value = p.whole_y ? fixed(std::round(l.y[i]), 0) : fixed(l.y[i], y.digits() + 2);
      markers << detail::drawn_marker(
                     l, place.str(),
                     l.name + ": " + value + " at " +
                         (p.powers_x ? fixed(std::exp2(l.x[i]), 2) : fixed(l.x[i], x.digits() + (p.whole_x ? 0 : 1))))
              << '\n';
    }
    if (!path.str().empty()) out << "<path d='" << path.str() << "' " << detail::stroke_of(l) << "/>\n";
    out << markers.str();
  }
  out << "</svg>\n" << detail::legend(p.lines) << "</figure>\n";
  return out.str();
}

/// The style sheet of the plots in a page: colours for light and dark, fonts, lines.
[[nodiscard]] inline std::string plot_style() {
  std::string light = ":root{color-scheme:light dark;--page:#ffffff;--text:#1b1f23;--soft:#57606a;--grid:#e1e5e9;";
  std::string dark =
      "@media(prefers-color-scheme:dark){:root{--page:#14171a;--text:#e8eaed;--soft:#a8b1ba;--grid:#2c3238;";
  for (std::size_t i = 0; i < line_styles.size(); ++i) {
    light += "--line-" + std::to_string(i) + ':' + line_styles[i].light + ';';
    dark += "--line-" + std::to_string(i) + ':' + line_styles[i].dark + ';';
  }
  return light + "}\n" + dark +
         "}}\n"
         ".plot{width:100%;height:auto;display:block}\n"
         ".plot text{fill:var(--soft);font-size:14px}\n"
         "@media(max-width:40rem){.plot text{font-size:22px}}\n"
         ".plot .grid{stroke:var(--grid)}.plot .tick,.plot .frame{stroke:var(--soft);fill:none}\n"
         ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:.4rem 0 0 3rem;font-size:.9rem}\n"
         ".legend span{display:inline-flex;align-items:center;gap:.5rem}\n";
}

}  // namespace examples
