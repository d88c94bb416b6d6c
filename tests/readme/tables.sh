# sh tables.sh PAGE SOURCE
# A table of PAGE behind a paragraph that names a command has columns that the command prints, in its order: before the
# table stands <!-- columns: FILE FUNCTION -->, whose function begins its rows with {{"column", ...}}; with a + behind
# FUNCTION, further columns are named by what was measured.
set -eu
cd "$2"

awk -v page="$1" '
  function fail(why) { print page ":" NR ": " why | "cat 1>&2"; failed = 1 }
  # The columns of the table that a function makes, each between bars.
  function printed(file, name,   text, line, found) {
    while ((getline line < file) > 0) {
      if (!found && line ~ ("(^|[^A-Za-z0-9_])" name "\\(")) found = 1
      if (found) text = text line
      if (text ~ /}}/) break
    }
    close(file)
    if (!match(text, /{{"[^{}]*}}/)) return ""
    text = substr(text, RSTART + 2, RLENGTH - 4)
    gsub(/"[ ]*,[ ]*"/, "|", text)
    gsub(/^"|"$/, "|", text)
    return text
  }
  /^```/ { fenced = !fenced }
  fenced { next }
  /^<!-- columns: / { file = $3; name = $4; more = $5 == "+"; next }
  /^\|/ && !inside {
    inside = 1
    if (name == "" && commands) fail("this table comes from a command: expected <!-- columns: FILE FUNCTION --> before it")
    if (name != "") {
      rest = printed(file, name)
      if (rest == "") fail("no {{\"column\", ...}} behind " name "( in " file)
      n = split($0, column, / *\| */)
      for (i = 2; i < n; ++i) {
        at = index(rest, "|" column[i] "|")
        if (!at && more && rest == "|") break
        if (!at) fail("column \"" column[i] "\": expected one that " name " in " file " prints, in its order")
        else rest = substr(rest, at + length(column[i]) + 1)
      }
    }
    file = name = ""
  }
  /^\|/ { commands = 0; next }
  { inside = 0 }
  /^$/ { if (text != "") commands = text ~ /`[^`]*sh [a-z]+\/[a-z_\/]*\.sh[^`]*`[^|]*:$/; text = ""; next }
  { text = text == "" ? $0 : text " " $0 }
  END { exit failed }' "$1"
