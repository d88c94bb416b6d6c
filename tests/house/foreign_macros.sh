# sh foreign_macros.sh INCLUDE FOLDER COMPILER [FLAGS...]
# No header uses a name that foreign_macros.hpp lists: a program that trains compiles behind it, and the headers that are
# not on every machine are searched. FOLDER has the header of all others.
set -eu
include=$1 folder=$2
shift 2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
list=$here/foreign_macros.hpp
status=0
cd "$include"

# What ours include of others, where it is there, before the names are taken.
grep -rhE --include='*.hpp' '^# *include *<' localis | grep -v '<localis/' |
  grep -vE '<(thrust|cuda|cublas|cudnn)' | sort -u |
  sed 's,^# *include *\(<[^>]*>\).*,#if __has_include(\1)\n#include \1\n#endif,' >"$folder/others.hpp"
"$@" "-I$folder" -include "$folder/others.hpp" -include "$list" "$here/foreign_macros.cpp" || status=1

words=$(sed -n 's/^#pragma GCC poison //p' "$list" | tr ' ' '\n' | paste -sd '|' -)
calls=$(sed -n 's/^#define \([A-Za-z0-9_]*\)(.*/\1/p' "$list" | paste -sd '|' -)
found=$(find localis -name '*.hpp' -o -name '*.cuh' | sort | xargs awk -v "words=$words" -v "calls=$calls" '
  {
    code = $0
    gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
    sub(/\/\/.*/, "", code)
    if (code ~ /^#/) next
    if (code ~ "(^|[^A-Za-z0-9_])((" words ")([^A-Za-z0-9_]|$)|(" calls ") *\\()") print FILENAME ":" FNR ": " $0
  }')
[ -z "$found" ] || { printf 'names that are macros of others (foreign_macros.hpp):\n%s\n' "$found" >&2; status=1; }
exit $status
