# sh mirror.sh ROOT
# tests/ mirrors include/localis: of each header PATH.hpp the tests are in tests/PATH_test.cpp, or tests/house/mirror.txt says why
# there are none; and each test file mirrors a header, or is named there too.
set -eu
cd "$1"
list=tests/house/mirror.txt
status=0
fail() {
  printf '%s\n' "$1" >&2
  status=1
}

headers=$(cd include/localis && find . -name '*.hpp' | sed 's,^\./,,' | sort)
# Without the folders that mirror no folder of headers.
tests=$(cd tests && find . -name '*_test.cpp' | sed 's,^\./,,' | grep -vE '^(examples|house|readme)/' | sort)
listed=$(sed 's/#.*//; /^[[:space:]]*$/d' "$list")

# named PATH: whether a line of the list is PATH
named() { printf '%s\n' "$listed" | grep -qxF -- "$1"; }

for header in $headers; do
  test=${header%.hpp}_test.cpp
  if [ -f "tests/$test" ]; then
    ! named "$header" || fail "$list: $header: it has a test file, tests/$test"
  else
    named "$header" || fail "include/localis/$header: expected tests/$test, or a line in $list"
  fi
done
for test in $tests; do
  header=${test%_test.cpp}.hpp
  if [ -f "include/localis/$header" ]; then
    ! named "$test" || fail "$list: $test: it mirrors include/localis/$header"
  else
    named "$test" || fail "tests/$test: expected include/localis/$header, or a line in $list"
  fi
done
for line in $listed; do
  [ -f "include/localis/$line" ] || [ -f "tests/$line" ] || fail "$list: $line: neither a header nor a test file"
done
twice=$(printf '%s\n' "$listed" | sort | uniq -d)
[ -z "$twice" ] || fail "$list: named twice: $twice"
exit $status
