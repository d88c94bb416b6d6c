#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "plot.hpp"

/// Draws the weights of units as a picture, in a single SVG file.
namespace examples {

/// Units that are shown side by side, each as a map of side x side weights, row-major, or of side x side colours of
/// red, green and blue.
struct filter_sheet {
  std::string title;
  std::vector<float> weights;  ///< units x side x side x channels
  std::size_t channels = 1;    ///< or 3
};

namespace detail {

/// 0 is white, +1 red, -1 blue; the colours between are told apart without seeing red and green.
[[nodiscard]] inline std::string diverging_colour(double level) {
  constexpr double ends[2][3] = {{33, 102, 172}, {178, 24, 43}};
  const double* end = ends[level > 0 ? 1 : 0];
  const double strength = std::pow(std::abs(level), 0.8);
  text_stream out;
  out << "rgb(";
  for (int c = 0; c < 3; ++c) out << std::lround(255 + strength * (end[c] - 255)) << (c < 2 ? "," : ")");
  return out.str();
}

/// A colour for fractions of the largest weight: one fraction gives a colour from blue to red, and three give red,
/// green and blue.
[[nodiscard]] inline std::string colour_of_weights(std::span<const float> weights, float largest) {
  constexpr int levels = 6;  // on each side of 0
  const auto level = [largest](float w) {
    return largest > 0 ? std::round(levels * static_cast<double>(w) / static_cast<double>(largest)) / levels : 0.0;
  };
  if (weights.size() == 1) return diverging_colour(level(weights[0]));
  text_stream out;
  out << "rgb(";
  for (std::size_t c = 0; c < weights.size(); ++c) {
    out << std::lround(127.5 * (1 + level(weights[c]))) << (c + 1 < weights.size() ? "," : ")");
  }
  return out.str();
}

}  // namespace detail

/// Draws the maps, each scaled by its own largest weight. Pixels of one colour form one path, and runs of them form one
/// stroke.
[[nodiscard]] inline std::string drawn(const std::vector<filter_sheet>& sheets, std::size_t side, std::size_t columns) {
  constexpr std::size_t gap = 2;
  const double zoom = std::max(3.0, 24.0 / static_cast<double>(side));
  const double head = 36 / zoom;
  const std::size_t pitch = side + gap;
  text_stream body;
  double top = 0;
  for (const filter_sheet& sheet : sheets) {
    const std::size_t size = side * side * sheet.channels;
    const std::size_t units = sheet.weights.size() / size;
    body << "<text x='" << gap << "' y='" << top + head * 2 / 3 << "'>" << escaped(sheet.title) << "</text>\n";
    top += head;
    std::map<std::string, text_stream> paths;
    for (std::size_t unit = 0; unit < units; ++unit) {
      const std::span<const float> map(sheet.weights.data() + unit * size, size);
      float largest = 0;
      for (const float w : map) largest = std::max(largest, std::abs(w));
      const std::size_t left = gap + unit % columns * pitch;
      const double upper = top + static_cast<double>(unit / columns * pitch);
      for (std::size_t y = 0; y < side; ++y) {
        const auto colour = [&](std::size_t x) {
          return detail::colour_of_weights(map.subspan((y * side + x) * sheet.channels, sheet.channels), largest);
        };
        for (std::size_t x = 0; x < side;) {
          const std::string here = colour(x);
          std::size_t run = 1;
          while (x + run < side && colour(x + run) == here) ++run;
          paths[here] << 'M' << left + x << ' ' << upper + static_cast<double>(y) << 'h' << run;
          x += run;
        }
      }
    }
    for (const auto& [colour, path] : paths) {
      body << "<path d='" << path.str() << "' transform='translate(0 .5)' stroke='" << colour << "'/>\n";
    }
    top += static_cast<double>((units + columns - 1) / columns * pitch + gap);
  }
  text_stream out;
  const std::size_t width = columns * pitch + gap;
  out << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << ' ' << top << "' width='"
      << zoom * static_cast<double>(width) << "' height='" << zoom * top
      << "' shape-rendering='crispEdges' font-family='sans-serif' font-size='" << 24 / zoom << "'>\n"
      << "<path d='M0 0h" << width << 'v' << top << "H0z' fill='#ddd'/>\n"
      << body.str() << "</svg>\n";
  return out.str();
}

}  // namespace examples
