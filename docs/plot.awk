# awk -f docs/plot.awk docs/results.md >docs/frontier.svg
#
# Plots the first table of docs/results.md that has the columns "run", "test %", "+-" and "cost, s": the runs of gradient
# descent with several budgets as a curve, all others as points with bars of a standard error to each side. Runs
# below its second point are left out. The test readme.plot compares the file with the output of this script.

function x(seconds) { return left + log(seconds / first_cost) / log(last_cost / first_cost) * (right - left) }
function y(percent) { return bottom - (percent - lowest) / (highest - lowest) * (bottom - top) }

# Whether the box of a name meets one that is taken; the boxes are in pixels.
function is_free(x0, y0, x1, y1,   i) {
  if (x1 > right + 60 || y0 < top - 10 || y1 > bottom) return 0
  for (i = 1; i <= boxes; ++i)
    if (x0 < box_x1[i] && box_x0[i] < x1 && y0 < box_y1[i] && box_y0[i] < y1) return 0
  return 1
}
function take(x0, y0, x1, y1) {
  ++boxes
  box_x0[boxes] = x0; box_y0[boxes] = y0; box_x1[boxes] = x1; box_y1[boxes] = y1
}

# Puts a name beside its point, at the first place that is free: right, left, then further and further above and below.
function put_name(name, cx, cy,   width, step, side, x0, y0) {
  width = 6.9 * length(name)
  for (step = 0; step < 12; ++step) {
    for (side = 0; side < 4; ++side) {
      x0 = side % 2 ? cx - 11 - width : cx + 11
      y0 = cy - 7 + (side < 2 ? step : -step) * 7
      if (!is_free(x0, y0, x0 + width, y0 + 14)) continue
      take(x0, y0, x0 + width, y0 + 14)
      if (step > 1) printf "<path class=\"lead\" d=\"M%.1f %.1fL%.1f %.1f\"/>", cx, cy, side % 2 ? x0 + width + 2 : x0 - 2, y0 + 8
      printf "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", x0, y0 + 11.5, name
      return
    }
  }
  printf "%s: no room for its name\n", name > "/dev/stderr"
  exit 1
}

/^\|/ {
  n = split($0, cell, / *\| */)
  if (!inside) {
    inside = 1
    run = test = error = cost = 0
    for (i = 2; i < n; ++i) {
      if (cell[i] == "run") run = i
      if (cell[i] == "test %") test = i
      if (cell[i] == "+-") error = i
      if (cell[i] == "cost, s") cost = i
    }
    wanted = !rows && run && test && error && cost
    next
  }
  if (!wanted || cell[2] ~ /^:?-+:?$/) next
  ++rows
  names[rows] = cell[run]
  tests[rows] = cell[test] + 0
  errors[rows] = cell[error] + 0
  costs[rows] = cell[cost] + 0
  next
}
{ inside = 0 }

END {
  if (!rows) {
    print "no table with run, test %, +- and cost, s" > "/dev/stderr"
    exit 1
  }
  # The curve, in the order of its costs, gives the range of both axes: all but its first point.
  for (i = 1; i <= rows; ++i) {
    if (names[i] !~ /^sgd/) continue
    for (j = ++points; j > 1 && costs[curve[j - 1]] > costs[i]; --j) curve[j] = curve[j - 1]
    curve[j] = i
  }
  for (i = 1; i < points; ++i) curve[i] = curve[i + 1]
  --points
  lowest = int(tests[curve[1]] - errors[curve[1]]) - 1
  highest = int(tests[curve[points]] + errors[curve[points]]) + 1
  first_cost = 0.85 * costs[curve[1]]
  last_cost = 1.12 * costs[curve[points]]
  left = 70; right = 760; top = 20; bottom = 440

  print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 840 500\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\">"
  print "<title>Test accuracy against the cost of training</title>"
  print "<style>"
  print "  text { fill: #57606a } .grid { stroke: #e1e5e9 } .lead { stroke: #a8b1ba; stroke-width: 0.7 }"
  print "  .gradient { fill: #1b1f23; stroke: #1b1f23 } .frozen { fill: #0072b2; stroke: #0072b2 }"
  print "  .local { fill: #d55e00; stroke: #d55e00 } .between { fill: #008060; stroke: #008060 } svg { background: #ffffff }"
  print "  @media (prefers-color-scheme: dark) { text { fill: #a8b1ba } .grid { stroke: #2c3238 } .lead { stroke: #57606a }"
  print "    svg { background: #14171a } .gradient { fill: #f0f2f4; stroke: #f0f2f4 } .frozen { fill: #5ab1f0; stroke: #5ab1f0 }"
  print "    .local { fill: #ff8a4c; stroke: #ff8a4c } .between { fill: #3fc9a0; stroke: #3fc9a0 } }"
  print "</style>"
  every = highest - lowest > 12 ? 5 : highest - lowest > 5 ? 2 : 1
  for (percent = lowest + (every - lowest % every) % every; percent <= highest; percent += every)
    printf "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", left, y(percent), right, left - 8, y(percent) + 4, percent
  for (i = 1; i <= points; ++i)
    printf "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x(costs[curve[i]]), top, bottom, x(costs[curve[i]]), bottom + 19, costs[curve[i]]
  printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">processor seconds of training (mean)</text>\n", (left + right) / 2, bottom + 44
  printf "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">test accuracy, %% (mean)</text>\n", (top + bottom) / 2
  printf "<path class=\"gradient\" style=\"fill:none\" stroke-width=\"1.5\" d=\""
  for (i = 1; i <= points; ++i) printf "%s%.1f %.1f", i == 1 ? "M" : "L", x(costs[curve[i]]), y(tests[curve[i]])
  print "\"/>"
  for (i = 1; i <= rows; ++i) {
    if (tests[i] < lowest || costs[i] < first_cost) continue
    ++shown
    order[shown] = i
    take(x(costs[i]) - 7, y(tests[i]) - 7, x(costs[i]) + 7, y(tests[i]) + 7)
  }
  for (k = 1; k <= shown; ++k) {
    i = order[k]
    kind = names[i] ~ /^sgd/ ? "gradient" : names[i] ~ /^frozen/ ? "frozen" : names[i] ~ /^interleaved/ ? "between" : "local"
    cx = x(costs[i]); cy = y(tests[i])
    printf "<g class=\"%s\"><path d=\"M%.1f %.1fV%.1f\" stroke-width=\"1.5\" stroke-opacity=\"0.5\"/>", kind, cx, y(tests[i] - errors[i]), y(tests[i] + errors[i])
    if (kind == "gradient") printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", cx, cy
    if (kind == "frozen") printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\"/>", cx - 5, cy - 5
    if (kind == "local") printf "<path d=\"M%.1f %.1fl6 10h-12z\"/>", cx, cy - 6
    if (kind == "between") printf "<path d=\"M%.1f %.1fl6 6l-6 6l-6 -6z\"/>", cx, cy - 6
    print "</g>"
  }
  for (k = 1; k <= shown; ++k) put_name(names[order[k]], x(costs[order[k]]), y(tests[order[k]]))
  print "</svg>"
}
