# sh shipped.sh ROOT
# Every rule is in rule/shipped.hpp, and every other policy in the headers of its kind in tests/support/shipped.hpp, which is what is compiled for a GPU and compared there.
# Every layer is in a network of tests/support/parity.hpp, or put into one where each backend is compared, with all of these.
set -eu
cd "$1"
status=0
policies=$(grep -ohE '^struct [a-z0-9_]+ ' include/localis/rule/*.hpp include/localis/optimizer/*.hpp \
  include/localis/loss/*.hpp include/localis/supervision/*.hpp include/localis/math/activation.hpp | cut -d' ' -f2 |
  # What makes up policies, and the kernels that run them.
  grep -vxE 'gate|unit_sums|unit_rates|response_weights|gradient|local|first_of|is_.*|as_local|rule_of|target|running_mean|loss_and_mean|member_names|stand_in')
for policy in $policies; do
  grep -qE "::$policy\b" tests/support/shipped.hpp || grep -qE "^ +.*\b$policy\b" include/localis/rule/shipped.hpp || {
    printf '%s: not in rule/shipped.hpp, nor in tests/support/shipped.hpp\n' "$policy" >&2
    status=1
  }
done

layers=$(awk '/^(struct|class) / { name = $2 }
  /^  static constexpr operation describe/ && name !~ /^(activation|junction_layer)$/ { print name }
  /^using [a-z0-9_]+ = activation</ { print $2 }' include/localis/layer/*.hpp)
networks=$(awk '/^using / { name = $2 } /^using .*= *lo::network|^    lo::network/ { print name }' tests/support/parity.hpp)
for backend in cpu cuda thrust_host; do
  test=tests/backend/$backend/parity_test.cpp
  for network in $networks; do
    grep -qE "check_parity<$network\b" "$test" || {
      printf '%s: %s of tests/support/parity.hpp is not compared\n' "$test" "$network" >&2
      status=1
    }
  done
  for layer in $layers; do
    grep -qE "\blo::$layer\b" tests/support/parity.hpp || grep -qE "check_parity<[a-z]+<lo::$layer>" "$test" || {
      printf '%s: layer %s is not compared, nor is it in tests/support/parity.hpp\n' "$test" "$layer" >&2
      status=1
    }
  done
done
count() { printf '%s\n' "$1" | wc -l; }
printf '%s policies, %s layers, %s networks\n' "$(count "$policies")" "$(count "$layers")" "$(count "$networks")"
exit $status
