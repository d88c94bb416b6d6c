# sh members.sh ROOT
# docs/from_outside.md lists every public member of trainer and model, and every field of report and of its records; each
# one that is missing is named.
set -eu
cd "$1"
status=0
page=docs/from_outside.md

# functions HEADER CLASS: the names of the public functions of a class
functions() {
  awk -v class="$2" '
    $0 ~ "^class " class "( |$)" { inside = 1 }
    inside && /^ public:/ { open = 1; next }
    inside && /^ private:/ { exit }
    open && /^  [^ \/}]/ && !/^  (using|static constexpr [^(]*$|static constexpr std::size_t|template|static_assert)/ {
      line = $0
      if (!match(line, /[a-z_0-9]+\(/)) next
      name = substr(line, RSTART, RLENGTH - 1)
      if (name != class && name != "operator" && !seen[name]++) print name
    }' "$1"
}
# fields HEADER STRUCT: the names of the data members of a struct
fields() {
  awk -v struct="$2" '
    $0 ~ "^struct " struct " " { inside = 1; next }
    inside && /^}/ { exit }
    inside && /^  [a-z]/ && !/\(\) const|static/ { sub(/ *[={;].*/, ""); print $NF }' "$1"
}
check() {
  heading=$1
  shift
  section=$(awk -v heading="### $heading" '$0 == heading { inside = 1; next } /^##/ { inside = 0 } inside' "$page")
  for name; do
    printf '%s\n' "$section" | grep -qF "\`$name" || {
      printf '%s: %s: expected a line about %s, found none\n' "$page" "$heading" "$name" >&2
      status=1
    }
  done
}
# shellcheck disable=SC2046
{
  check trainer $(functions include/localis/train/trainer.hpp trainer)
  check model $(functions include/localis/model/model.hpp model)
  check report $(fields include/localis/train/report.hpp report) $(fields include/localis/train/report.hpp epoch_record) \
    $(fields include/localis/train/report.hpp memory_use)
}
exit $status
