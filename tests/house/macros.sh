# sh macros.sh INCLUDE FOLDER COMPILER [FLAGS...]
# What the umbrella header defines beyond the headers of others that it includes: macros named LOCALIS_* alone.
set -eu
include=$1 folder=$2
shift 2
cd "$include"

echo '#include <localis/localis.hpp>' >"$folder/umbrella.cpp"
"$@" -MM -I. "$folder/umbrella.cpp" >"$folder/umbrella.d"
# shellcheck disable=SC2046
grep -hE '^# *include *<' $(tr -d '\\' <"$folder/umbrella.d" | tr ' ' '\n' | grep '^localis/') |
  grep -v '<localis/' | sort -u |
  sed 's/.*\(<.*>\).*/#if __has_include(\1)\n&\n#endif/' >"$folder/others.hpp"  # some are for other processors
"$@" -dM -E -I. "$folder/umbrella.cpp" | sort >"$folder/umbrella.macros"
"$@" -dM -E -x c++ "$folder/others.hpp" | sort >"$folder/others.macros"
ours=$(comm -23 "$folder/umbrella.macros" "$folder/others.macros")
foreign=$(printf '%s\n' "$ours" | grep -vE '^#define LOCALIS_' || true)
if [ -z "$ours" ] || [ -n "$foreign" ]; then
  printf 'localis/localis.hpp defines more than LOCALIS_*:\n%s\n' "$foreign" >&2
  exit 1
fi
printf '%s\n' "$ours"
