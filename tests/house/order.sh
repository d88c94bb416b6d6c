# sh order.sh ROOT
# CONTRIBUTING.md lists the folders of include/localis: no header includes one of a folder further down, folders of one line
# do not include each other in a circle, and the list is whole. Headers beside the folders include none, but localis.hpp.
set -eu
cd "$1"
status=0

order=$(awk -F '|' '/^\| *`[a-z_\/]*\/`/ { ++line; n = split($2, word, " "); for (i = 1; i <= n; ++i) { gsub(/`|\/`/, "", word[i]); print line, word[i] } }' CONTRIBUTING.md)
listed=$(printf '%s\n' "$order" | cut -d ' ' -f 2 | sort)
there=$(find include/localis -mindepth 2 -type f | sed 's,^include/localis/,,; s,/[^/]*$,,' | sort -u)
[ "$listed" = "$there" ] || {
  printf 'CONTRIBUTING.md: folders of include/localis: expected %s, found %s\n' "$(echo $there)" "$(echo $listed)" >&2
  status=1
}

# FOLDER HEADER FOLDER HEADER, the second included by the first; a dot where there is no folder
edges=$(cd include/localis && grep -rE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<localis/' . |
  sed -E 's,^\./,,; s,^([^:]*):.*<localis/([^>]*)>.*,\1 \2,' |
  awk '{ from = to = "."; if ($1 ~ /\//) { from = $1; sub(/\/[^\/]*$/, "", from) } if ($2 ~ /\//) { to = $2; sub(/\/[^\/]*$/, "", to) } print from, $1, to, $2 }')
upward=$({ printf '%s\n' "$order"; printf '%s\n' "$edges"; } | awk '
  NF == 2 { line[$2] = $1; next }
  $2 == "localis.hpp" { next }
  $1 == "." ? $3 != "." : line[$3] > line[$1] { print $2 ": includes " $4 }')
[ -z "$upward" ] || { printf 'includes of a folder further down in CONTRIBUTING.md:\n%s\n' "$upward" >&2; status=1; }
printf '%s\n' "$edges" | awk '$1 != $3 && $1 != "." && $3 != "." { print $1, $3 }' | sort -u | tsort >/dev/null || {
  echo 'folders that include each other in a circle, see above' >&2
  status=1
}
printf '%s\n' "$edges" | awk '{ print $2, $4 }' | tsort >/dev/null || {
  echo 'headers that include each other in a circle, see above' >&2
  status=1
}
exit $status
