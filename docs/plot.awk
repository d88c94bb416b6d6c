# awk -f docs/plot.awk docs/results.md >docs/comparison.svg
#
# Plots the first table of docs/results.md that has the columns "run", "test %", "spread" and "seconds". Each run is a
# point with a bar as long as the spread over seeds; seconds increase to the right, accuracy upwards. The test
# readme.plot compares the file with the output of this script.

function x(seconds) { return left + (seconds - 30) / 32 * (right - left) }
function y(percent) { return bottom - (percent - 92) / 1 * (bottom - top) }

/^\|/ {
  n = split($0, cell, / *\| */)
  if (!inside) {
    inside = 1
    run = test = spread = seconds = 0
    for (i = 2; i < n; ++i) {
      if (cell[i] == "run") run = i
      if (cell[i] == "test %") test = i
      if (cell[i] == "spread") spread = i
      if (cell[i] == "seconds") seconds = i
    }
    wanted = !rows && run && test && spread && seconds
    next
  }
  if (!wanted || cell[2] ~ /^:?-+:?$/) next
  ++rows
  names[rows] = cell[run]
  tests[rows] = cell[test]
  spreads[rows] = cell[spread]
  times[rows] = cell[seconds]
  next
}
{ inside = 0 }

END {
  if (!rows) {
    print "no table with run, test %, spread and seconds" > "/dev/stderr"
    exit 1
  }
  left = 88; right = 690; top = 20; bottom = 330
  print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 390\" font-family=\"sans-serif\" font-size=\"14\" role=\"img\">"
  print "<title>Test accuracy against training time</title>"
  print "<style>"
  print "  text { fill: #57606a } .grid { stroke: #e1e5e9 } .gradient { fill: #1b1f23; stroke: #1b1f23 }"
  print "  .frozen { fill: #0072b2; stroke: #0072b2 } .local { fill: #d55e00; stroke: #d55e00 } svg { background: #ffffff }"
  print "  @media (prefers-color-scheme: dark) { text { fill: #a8b1ba } .grid { stroke: #2c3238 } svg { background: #14171a }"
  print "    .gradient { fill: #f0f2f4; stroke: #f0f2f4 } .frozen { fill: #5ab1f0; stroke: #5ab1f0 } .local { fill: #ff8a4c; stroke: #ff8a4c } }"
  print "</style>"
  for (percent = 92; percent <= 93.001; percent += 0.25)
    printf "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n", left, y(percent), right, left - 8, y(percent) + 5, percent
  for (time = 30; time <= 60; time += 5)
    printf "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", x(time), top, bottom, x(time), bottom + 20, time
  printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">seconds of training (median)</text>\n", (left + right) / 2, bottom + 46
  printf "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">test accuracy, %% (mean)</text>\n", (top + bottom) / 2
  for (i = 1; i <= rows; ++i) {
    kind = names[i] ~ /^sgd/ ? "gradient" : names[i] ~ /^frozen/ ? "frozen" : "local"
    cx = x(times[i]); cy = y(tests[i])
    printf "<g class=\"%s\"><path d=\"M%.1f %.1fV%.1f\" stroke-width=\"2\" stroke-opacity=\"0.45\"/>", kind, cx, y(tests[i] - spreads[i] / 2), y(tests[i] + spreads[i] / 2)
    if (kind == "gradient") printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>", cx, cy
    if (kind == "frozen") printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"11\" height=\"11\"/>", cx - 5.5, cy - 5.5
    if (kind == "local") printf "<path d=\"M%.1f %.1fl7 12h-14z\"/>", cx, cy - 7
    # A name is to the right of its point, above its bar or below it, so that no name covers another.
    if (kind == "gradient") { tx = cx + 12; ty = cy + 5; anchor = "start" }
    else if (names[i] ~ /^(interleaved|frozen replay)/) { tx = cx; ty = y(tests[i] + spreads[i] / 2) - 6; anchor = "middle" }
    else { tx = cx; ty = y(tests[i] - spreads[i] / 2) + 16; anchor = "middle" }
    printf "</g><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", tx, ty, anchor, names[i]
  }
  print "</svg>"
}
