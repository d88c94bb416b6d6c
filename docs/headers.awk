# Doxygen's filter for the headers. Their comments are plain text, in which
#
#   /// A paragraph.
#   ///
#   ///   W <- W + eta dW          an indented line, shown as it is written
#   ///
#   /// Units:  eta dimensionless. A label, and
#   ///         its continuation.
#
# may occur. Their commands are `@param NAME  text` with two spaces, `@tparam` likewise, and `@returns text`. Indented
# lines become code, labels become a list, a comment before `namespace` becomes that of the file, and characters of
# markup are escaped. The number of each line stays the same.

function flush_held() {
  for (n = 1; n <= held; ++n) print lines[n]
  held = 0
}

# Escapes, outside of `code`, the characters that Markdown, HTML or Doxygen would interpret.
function plain(text, parts, count, n, result) {
  count = split(text, parts, "`")
  result = ""
  for (n = 1; n <= count; ++n) {
    if (n % 2 == 1) gsub(/[\\@<>&#%*]/, "\\\\&", parts[n])
    result = result (n > 1 ? "`" : "") parts[n]
  }
  return result
}

{
  if (match($0, /^ *\/\/\/( |$)/)) {
    start = substr($0, 1, RLENGTH)
    sub(/ $/, "", start)
    text = substr($0, length(start) + 1)
    if (!comment) was = "blank"
    comment = 1
    match(text, /^ */)
    indent = RLENGTH
    if (text ~ /^ *$/) {
      $0 = start
      was = "blank"
    } else if (indent >= 2 && (was == "blank" || was == "code")) {
      $0 = start "     " substr(text, 2)  # four more than text has
      was = "code"
    } else if (match(text, /^ @returns /)) {
      $0 = start " @returns " plain(substr(text, RLENGTH + 1))
      was = "label"
    } else if (match(text, /^ @t?param /)) {
      command = substr(text, 1, RLENGTH)
      text = substr(text, RLENGTH + 1)
      match(text, /^[A-Za-z_0-9, ]*[A-Za-z_0-9]  /)
      name = substr(text, 1, RLENGTH)
      gsub(/ /, "", name)
      $0 = start command name " " plain(substr(text, RLENGTH + 1))
      was = "label"
    } else if (match(text, /^ (Units|Options|Cost|State|Limits|Errors|Source|Backend):/)) {
      $0 = start " - **" substr(text, 2, RLENGTH - 1) "**" plain(substr(text, RLENGTH + 1))
      was = "label"
    } else if (indent >= 2 && was == "label") {
      $0 = start "   " plain(substr(text, indent + 1))
    } else {
      $0 = start (was == "label" ? "   " : " ") plain(substr(text, 2))
      if (was != "label") was = "text"
    }
    lines[++held] = $0
    next
  }
  if (comment && $0 ~ /^namespace / && held > 0 && lines[1] == "") lines[1] = "/// @file"
  comment = 0
  if ($0 == "#pragma once") $0 = "/// @file"  # every header has its page
  if ($0 ~ /namespace LOCALIS_CPU_THREADS/) $0 = " "  # with OpenMP or without, the names are the same
  if (match($0, /\/\/\/< /)) {
    $0 = substr($0, 1, RSTART + RLENGTH - 1) plain(substr($0, RSTART + RLENGTH))
  }
  flush_held()
  if ($0 == "") {
    lines[++held] = $0  # where the comment of a file begins
    next
  }
  print
}

END { flush_held() }
