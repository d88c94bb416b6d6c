# sh text.sh INCLUDE
# What no compiler checks: macros that leak, dependencies outside the folders that own them, headers that print, scripts
# that no shell would take.
set -eu
cd "$1/localis"
status=0

# forbid WHY ALLOWED PATTERN: no line of a header matches PATTERN, but for files whose path matches ALLOWED
forbid() {
  found=$(grep -rnE --include='*.hpp' --include='*.cuh' -- "$3" . | sed 's,^\./,,' | grep -vE -- "$2" || true)
  [ -z "$found" ] || { printf '%s:\n%s\n' "$1" "$found" >&2; status=1; }
}
nowhere='^$'

# One is Thrust's own, by which its users choose the device.
forbid 'a macro that is not named LOCALIS_*' '^[^:]*:[0-9]+:[[:space:]]*#[[:space:]]*define[[:space:]]+LOCALIS_|^backend/thrust_host/backend\.hpp:[0-9]+:#define THRUST_DEVICE_SYSTEM ' '^[[:space:]]*#[[:space:]]*define'
forbid 'Eigen, which the library does not need' "$nowhere" '#[[:space:]]*include[[:space:]]*[<"](unsupported/)?Eigen/'
forbid 'OpenMP outside backend/cpu/, backend/thrust_host/ and config.hpp' '^(backend/(cpu|thrust_host)/|config\.hpp:)' '#[[:space:]]*include[[:space:]]*[<"]omp\.h|#[[:space:]]*pragma[[:space:]]+omp|_OPENMP'
forbid 'zlib outside data/gzip.hpp and io/checkpoint.hpp' '^(data/gzip|io/checkpoint)\.hpp:' '#[[:space:]]*include[[:space:]]*[<"]zlib\.h'
forbid 'libjpeg outside data/jpeg.hpp' '^data/jpeg\.hpp:' '#[[:space:]]*include[[:space:]]*[<"](jpeglib|jerror)\.h'
forbid 'libpng outside data/png.hpp' '^data/png\.hpp:' '#[[:space:]]*include[[:space:]]*[<"]png\.h'
forbid 'nlohmann-json outside io/' '^io/' '#[[:space:]]*include[[:space:]]*[<"]nlohmann/'
forbid 'CUDA or Thrust outside nccl/ and the folders of their backends' '^(backend/(cuda|cudnn|thrust_host)|nccl)/' '#[[:space:]]*include[[:space:]]*[<"](thrust|cub|cuda|cublas)'
forbid 'NCCL outside nccl/' '^nccl/' '#[[:space:]]*include[[:space:]]*[<"]nccl\.h'
forbid 'MPI outside mpi/' '^mpi/' '#[[:space:]]*include[[:space:]]*[<"]mpi\.h'
forbid 'cuDNN outside the folder of its backend' '^backend/cudnn/' '#[[:space:]]*include[[:space:]]*[<"]cudnn'
forbid 'a test that -ffast-math folds, where core/finite.hpp has one by bits' '^core/finite\.hpp:' 'isfinite|isnan|isinf|isnormal|fpclassify'
forbid 'the library prints' "$nowhere" '^[^/]*(std::(cout|cerr|clog)|[^a-z_]f?printf *\()'
forbid "text in the program's locale, which text() in core/error.hpp has not" '^core/error\.hpp:' 'std::[io]?stringstream|std::sto[a-z]+ *\(|[^a-z_](ato[fil]|strto[a-z]+|isdigit|isalpha|isspace|tolower|toupper) *\('
forbid 'a file written past io/replace_file.hpp and io/log_file.hpp' "$nowhere" 'std::o?fstream|std::(filesystem::)?rename|fopen *\('
programs=$(grep -rnE --include='*.hpp' --include='*.cpp' --include='*.cu' 'std::[io]?stringstream|std::o?fstream|std::sto[a-z]+ *\(|std::(filesystem::)?rename' ../../examples ../../benchmarks | grep -v '/examples/lab/report/format\.hpp:' || true)
[ -z "$programs" ] || { printf "text in the program's locale, or a file written past io/replace_file.hpp:\n%s\n" "$programs" >&2; status=1; }

programs=$(grep -rnE --include='*.[hc]pp' -- 'std::(isfinite|isnan|isinf|isnormal|fpclassify)' ../../examples ../../benchmarks || true)
[ -z "$programs" ] || { printf 'a test that -ffast-math folds:\n%s\n' "$programs" >&2; status=1; }

# Benchmarks share with the lab what writes their reports, and nothing else of the examples.
programs=$(cd ../../benchmarks && grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' . | while IFS=\" read -r place header _; do
  case $header in lab/report/*) ;; *) [ -f "$header" ] || printf '%s"%s"\n' "$place" "$header" ;; esac
done)
[ -z "$programs" ] || { printf 'a benchmark that includes a header of examples/ outside lab/report/:\n%s\n' "$programs" >&2; status=1; }

# Whether standard output took it all is asked by exit_status(), here or in what is called here.
programs=$(grep -rlE --include='*.cpp' --include='*.cu' --include='*.in' 'int main\(' ../../examples ../../benchmarks | xargs grep -LE 'exit_status\(|run_(program|comparison|benchmarks|on_gpu|on_ranks)\(|train_model<|compare_reports\(|few_labels\(|one_pass\(|shift\(argc|fixed_memory\(argc|reproduce::[a-z_]+\(argc' || true)
[ -z "$programs" ] || { printf 'a program that succeeds where standard output is full:\n%s\n' "$programs" >&2; status=1; }

# clang-format ends every namespace with its name: before the first and after the last there is nothing.
outside=$(find . -name '*.hpp' -o -name '*.cuh' | sort | xargs awk '
  FNR == 1 { inside = 0; }
  /^namespace localis/ { inside = 1; next }
  /^}  \/\/ namespace localis/ { inside = 0; next }
  !inside && !/^($|\/\/|#)/ && !continued { print FILENAME ":" FNR ": " $0 }
  { continued = /\\$/ }')
[ -z "$outside" ] || { printf 'outside of namespace localis:\n%s\n' "$outside" >&2; status=1; }

# Names are nouns, in headers and in programs: `source`, not `from`. After a dot, an arrow or two colons a name is used, not
# given, as in std::to_chars(). `in` and `out` are the shapes of an operation.
words='about above across after against along among apart around at before behind below beneath beside between beyond by
  down during far from how inside into mine most near now of off on onto ours outside over since theirs then there through
  to toward under until up upon via when where which who whose why with within without'
prepositions=$(find . ../../examples ../../benchmarks -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o \
  -name '*.in' | sort | xargs awk -v words="$words" '
  BEGIN { for (n = split(words, list); n > 0; --n) forbidden[list[n]] }
  /^[[:space:]]*#[[:space:]]*include/ { next }
  {
    line = $0
    gsub(/\047(\\[^\047]+|[^\047\\])\047/, " ", line)
    gsub(/"(\\.|[^"\\])*"/, " ", line)
    sub(/\/\/.*/, "", line)
    gsub(/(\.|->|::)[[:space:]]*[A-Za-z_][A-Za-z_0-9]*/, " ", line)
    gsub(/[^A-Za-z_0-9]+/, " ", line)
    count = split(line, names, " ")
    for (i = 1; i <= count; ++i) {
      name = tolower(names[i])
      sub(/_$/, "", name)
      if (name in forbidden) { print FILENAME ":" FNR ": " names[i] ": " $0; break }
    }
  }' | sed 's,^\./,,' | grep -vE '^kernel/(pooling|unfold)\.hpp:' || true)
[ -z "$prepositions" ] || { printf 'a preposition or an adverb as a name:\n%s\n' "$prepositions" >&2; status=1; }

unguarded=$(grep -rLx --include='*.hpp' --include='*.cuh' -- '#pragma once' . || true)
[ -z "$unguarded" ] || { printf 'no #pragma once:\n%s\n' "$unguarded" >&2; status=1; }

for script in $(find ../../benchmarks ../../cmake ../../docs ../../examples ../../tests -name '*.sh'); do
  sh -n "$script" || status=1
done
exit $status
