# sh using_namespace.sh INCLUDE FOLDER COMPILER [FLAGS...]
# Names in namespace localis that the C library or POSIX has in the global one, or the standard library in std: after
# `using namespace localis`, and after that and `using namespace std`, they are ambiguous. There are two, whose headers
# say what to write: tanh (layer/tanh.hpp) and error (core/error.hpp).
set -eu
include=$1 folder=$2
shift 2

find "$include/localis" -name '*.hpp' | sort | xargs awk '
  FNR == 1 { depth = 0 }
  /^namespace / { depth++; inside[depth] = $2 == "localis"; next }
  /^}  \/\/ namespace/ { depth--; next }
  depth == 0 || !inside[depth] || /^static_assert|operator/ { next }
  /^(struct|class|union|concept|using|enum class) / { sub(/^enum class /, "enum "); print $2; next }
  /^[[:alpha:][][^=]*\(/ { sub(/\(.*/, ""); print $NF }
  /^(inline )?constexpr [^(]* = / { sub(/ = .*/, ""); print $NF }' |
  sed 's/[^[:alnum:]_].*//' | grep . | sort -u >"$folder/global_names"
for name in conv2d error expect model network relu tanh trainer; do
  grep -qx "$name" "$folder/global_names" || { echo "using_namespace.sh does not find $name any more" >&2; exit 1; }
done

for header in arpa/inet assert ctype dirent dlfcn error errno fcntl fenv fnmatch ftw getopt glob grp inttypes langinfo \
  libgen limits locale math monetary net/if netdb netinet/in nl_types poll pthread pwd regex sched search semaphore \
  setjmp signal spawn stdio stdlib string strings sys/ipc sys/mman sys/msg sys/resource sys/select sys/sem sys/shm \
  sys/socket sys/stat sys/statvfs sys/time sys/times sys/types sys/uio sys/un sys/utsname sys/wait syslog termios time \
  ulimit unistd utime utmpx wchar wctype wordexp; do
  printf '#if __has_include(<%s.h>)\n#include <%s.h>\n#endif\n' "$header" "$header"
done >"$folder/libraries.hpp"
printf '#if __has_include(<bits/stdc++.h>)\n#include <bits/stdc++.h>\n#endif\n' >>"$folder/libraries.hpp"

# Two lines a name; where the compiler has no error to tell of a line, the name is there.
sed 'h; s/.*/namespace in_&_ { using ::&; }/; p; g; s/.*/namespace in_&_ { using std::&; }/' "$folder/global_names" >"$folder/global_names.cpp"
case $("$@" --version) in *clang*) all=-ferror-limit=0 ;; *) all=-fmax-errors=0 ;; esac
"$@" "$all" -fsyntax-only -include "$folder/libraries.hpp" "$folder/global_names.cpp" 2>&1 |
  sed -n 's/.*global_names\.cpp:\([0-9]*\):[0-9]*: error: .*/\1/p' | sort -un >"$folder/global_names.lines"
found=$(awk 'NR == FNR { absent[$1] = 1; next } !(2 * FNR - 1 in absent && 2 * FNR in absent)' "$folder/global_names.lines" "$folder/global_names" | tr '\n' ' ')
printf '%s names in namespace localis, in the C library or std too: %s\n' "$(wc -l <"$folder/global_names")" "$found"
for name in $found; do
  case $name in
    tanh | error) ;;
    *) echo "localis::$name is ambiguous after \`using namespace localis\`" >&2; exit 1 ;;
  esac
done
