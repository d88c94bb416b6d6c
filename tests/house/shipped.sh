# sh shipped.sh ROOT
# What the library ships is where a user, a test and a backend look for it. CONTRIBUTING.md lists these places, and each is named here that
# was forgotten:
#   every policy and layer        in what localis.hpp includes, and in a test of its folder
#   every rule                    in rule/shipped.hpp, and in a row of docs/mathematics.md (readme_test writes docs/rules.md)
#   every scheduler               in a test of what it promises about its boundaries
#   every other policy            in docs/rules.md; what kernels run also in tests/support/shipped.hpp, which is what is compiled for a GPU
#                                 and compared there
#   every layer                   in docs/rules.md; in tests/support/gradients.hpp, and in a network of tests/support/parity.hpp, or put into one where each
#                                 backend is compared, with all of these
#   every published network       in examples/lab/models.txt, which examples/run.sh trains, and in tests/support/every_model.hpp
set -eu
cd "$1"
status=0
include=include/localis

# missing WHAT PLACE
missing() {
  printf '%s: expected in %s, found none\n' "$1" "$2" >&2
  status=1
}
# expect WHAT PLACE PATTERN FILE...: PATTERN is in one of the files
expect() {
  what=$1 place=$2 pattern=$3
  shift 3
  grep -qE -- "$pattern" "$@" || missing "$what" "$place"
}

# The headers that localis.hpp includes, and what those include in turn.
included=$(cd include && grep -rE '^#include <localis/' localis | sed -E 's/^([^:]*):#include <([^>]*)>.*/\1 \2/' | awk '
  { of[$1] = of[$1] " " $2 }
  END {
    list[n = 1] = "localis/localis.hpp"
    for (i = 1; i <= n; ++i) {
      print list[i]
      for (k = split(of[list[i]], found, " "); k > 0; --k) if (!seen[found[k]]++) list[++n] = found[k]
    }
  }')
for header in $(cd include && ls localis/rule/*.hpp localis/optimizer/*.hpp localis/loss/*.hpp localis/learning_rate/*.hpp \
  localis/scheduler/*.hpp localis/supervision/*.hpp localis/layer/*.hpp); do
  printf '%s\n' "$included" | grep -qxF "$header" || missing "$header" 'what localis.hpp includes'
done

# One thing, one file: a policy has the name of its header, which includes what says of its kind what it must have.
for kind in rule optimizer loss learning_rate scheduler supervision; do
  for header in "$include/$kind"/*.hpp; do
    name=$(basename "$header" .hpp)
    grep -qE "^(struct|class) $name\b" "$header" && grep -qF "<localis/$kind/$kind.hpp>" "$header" || continue
    expect "$kind $name" "tests/$kind" "(::|<localis/$kind/)$name\b" "tests/$kind"/*_test.cpp
    if grep -qE ' (lowest|highest)_boundary\(' "$header"; then
      expect "$kind $name" "check_promises() of a test in tests/$kind" "check_promises\(.*\b$name\b" "tests/$kind"/*_test.cpp
    fi
    if [ $kind = rule ]; then
      expect "$kind $name" 'a row of docs/mathematics.md' "^\|.*\`$name\`.*\|" docs/mathematics.md
    else
      expect "$kind $name" docs/rules.md "\`([a-z]+::)?$name\`" docs/rules.md
    fi
  done
done

policies=$(grep -ohE '^struct [a-z0-9_]+ ' $include/rule/*.hpp $include/optimizer/*.hpp $include/loss/*.hpp \
  $include/supervision/*.hpp $include/math/activation.hpp | cut -d' ' -f2 |
  # What makes up policies, and the kernels that run them.
  grep -vxE 'gate|unit|unit_values|gradient|local|first_of|is_.*|as_local|rule_of|target|running_mean|loss_and_mean|member_names|stand_in')
for policy in $policies; do
  grep -qE "^( +|using shipped = ).*\b$policy\b" $include/rule/shipped.hpp ||
    expect "$policy" 'rule/shipped.hpp, or tests/support/shipped.hpp' "::$policy\b" tests/support/shipped.hpp
done

layers=$(awk '/^(struct|class) / { name = $2 }
  /^  static constexpr operation describe/ && name !~ /^(activation|junction_layer)$/ { print name }
  /^using [a-z0-9_]+ = activation</ { print $2 }' $include/layer/*.hpp)
networks=$(awk '/^using / { name = $2 } /^using .*= *lo::network|^    lo::network/ { print name }' tests/support/parity.hpp)
for layer in $layers; do
  expect "layer $layer" tests/layer "\blo::$layer\b" tests/layer/*_test.cpp
  expect "layer $layer" docs/rules.md "^\|.*\`$layer\b" docs/rules.md
  expect "layer $layer" tests/support/gradients.hpp "\blo::$layer\b" tests/support/gradients.hpp
done
for backend in cpu cuda thrust_host; do
  test=tests/backend/$backend/parity_test.cpp
  for network in $networks; do
    expect "$network of tests/support/parity.hpp" "$test" "check_parity<$network\b" "$test"
  done
  for layer in $layers; do
    grep -qE "\blo::$layer\b" tests/support/parity.hpp ||
      expect "layer $layer" "tests/support/parity.hpp, or $test" "check_parity<[a-z]+<lo::$layer>" "$test"
  done
done

# VGG for large pictures is compared with PyTorch alone, as its classifier takes gigabytes.
models=$(awk 'FNR == 1 { inner = 0 }
  /^namespace detail/ { inner = 1 }
  /^}  \/\/ namespace detail/ { inner = 0 }
  /^using / && !inner { print $2 }' $include/zoo/*.hpp | grep -vx six_stages)
for model in $models; do
  expect "network $model" examples/lab/models.txt "^[a-z0-9_]+ [0-9]+ [a-z0-9_]+ $model " examples/lab/models.txt
  case $model in vgg??) continue ;; esac
  expect "network $model" tests/support/every_model.hpp "\bzoo::$model<" tests/support/every_model.hpp
done
count() { printf '%s\n' "$1" | wc -l; }
printf '%s policies, %s layers, %s networks of layers, %s published networks\n' "$(count "$policies")" "$(count "$layers")" "$(count "$networks")" \
  "$(count "$models")"
exit $status
