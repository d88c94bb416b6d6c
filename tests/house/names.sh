# sh names.sh ROOT FOLDER
# What looks like a file of ours, in a comment or in the text of a page, is one: its path, or the end of its path, is there,
# or is made from a file of that name with .in behind it. The list of files goes to FOLDER.
set -eu
cd "$1"
list=$2/files

find . \( -name .git -o -path './build*' -o -path './out*' -o -name corpus \) -prune -o -type f -print | sort >"$list"
wrong=$(grep -E '\.(hpp|cuh|cpp|cu|sh|py|cmake|awk|md|in)$|/CMakeLists\.txt$|\.ci/run$' "$list" | tr '\n' '\0' |
  xargs -0 awk '
  FNR == NR {
    sub(/\.in$/, "")
    end = ""
    for (n = split($0, part, "/"); n > 1; --n) there[end = "/" part[n] end] = 1
    next
  }
  FNR == 1 { fenced = 0; comment = FILENAME ~ /\.md$/ ? "^" : FILENAME ~ /\.(hpp|cuh|cpp|cu|cpp\.in)$/ ? "//" : "(^|[ \t])# " }
  /^ *```/ { fenced = !fenced }
  FILENAME == "./docs/migration.md" { sub(/^\|[^|]*\|/, "|") }  # what is gone stands in the first column
  !fenced && match($0, comment) {
    text = substr($0, RSTART)
    while (match(text, /[A-Za-z0-9_.\/{},*<>-]*[A-Za-z0-9_}*]\.(hpp|cuh|cu|cpp|sh|py|awk)([^A-Za-z0-9_]|$)/)) {
      name = substr(text, RSTART, RLENGTH)
      text = substr(text, RSTART + RLENGTH)
      if (name ~ /^\.gpu\//) continue  # what pack.sh makes
      gsub(/^[.\/<]*|[^A-Za-z0-9_]$/, "", name)
      if (name !~ /[*{}]|[A-Z][A-Z]/ && !(("/" name) in there)) print FILENAME ":" FNR ": " name
    }
  }' "$list")
[ -z "$wrong" ] || { printf 'no such file:\n%s\n' "$wrong" >&2; exit 1; }
