# sh case.sh PATH/NAME COMPILER [FLAGS...]
# Passes if NAME.cpp fails to compile AND the compiler prints the text of its first comment, `// expect: TEXT`,
# AND no other error, AND its twin NAME_ok.cpp compiles: a case that fails for another reason than the promised one is no
# proof.
set -eu
bad=$1.cpp
twin=${1}_ok.cpp
shift

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ -f "$bad" ] || fail "$bad: missing; its twin $twin is there"
[ -f "$twin" ] || fail "$bad: its twin $twin, which must compile, is missing"
text=$(awk 'NR == 1 && !/^\/\/ expect: ./ || !/^\/\/ / { exit }
  { sub(/^\/\/ (expect: )?/, NR == 1 ? "" : " "); printf "%s", $0 }' "$bad")
[ -n "$text" ] || fail "$bad: the file must begin with '// expect: TEXT'"

if said=$("$@" -fmessage-length=0 "$bad" 2>&1); then
  fail "$bad: compiles, but must not"
fi
printf '%s\n' "$said" | grep -qF -- "$text" || fail "$bad: the compiler did not print
  $text
but
$said"
errors=$(printf '%s\n' "$said" | grep -E '(^|: )(fatal )?error: ' | sed 's/.*error: //' | sort -u | wc -l)
[ "$errors" = 1 ] || fail "$bad: the compiler printed $errors different errors; one should say it all:
$said"

said=$("$@" "$twin" 2>&1) || fail "$twin: must compile, but
$said"
