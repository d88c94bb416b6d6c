#pragma once

#include <cstddef>
#include <string>

#include "../comparison.hpp"
#include "plot.hpp"

namespace examples::detail {

[[nodiscard]] inline std::string html_table(const cells& rows, const std::string& kind = "numbers") {
  std::string page = "<div class='wide'><table class='" + kind + "'>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    page += "<tr>";
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string tag = r == 0 || c == 0 ? "th" : "td";
      page += '<' + tag + '>' + escaped(rows[r][c]) + "</" + tag + '>';
    }
    page += "</tr>\n";
  }
  return page + "</table></div>\n";
}

}  // namespace examples::detail
