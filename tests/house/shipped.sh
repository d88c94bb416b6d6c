# sh shipped.sh ROOT
# Every policy in the headers of its kind is in tests/shipped.hpp, which is what is compiled for a GPU and compared there.
set -eu
cd "$1"
status=0
policies=$(grep -ohE '^struct [a-z0-9_]+ ' include/localis/rule/*.hpp include/localis/optimizer/*.hpp \
  include/localis/loss/*.hpp include/localis/supervision/*.hpp include/localis/kernel/activation.hpp | cut -d' ' -f2 |
  # What makes up policies, and the kernels that run them.
  grep -vxE 'gate|unit_sums|unit_rates|response_weights|gradient|local|first_of|is_.*|as_local|rule_of|target|of_samples|outcome|running_mean|loss_and_mean|member_names|stand_in')
for policy in $policies; do
  grep -qE "::$policy\b" tests/shipped.hpp || {
    printf '%s: not in tests/shipped.hpp\n' "$policy" >&2
    status=1
  }
done
printf '%s policies\n' "$(printf '%s\n' "$policies" | wc -l)"
exit $status
