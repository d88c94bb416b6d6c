# sh leaves_nothing.sh COMMAND...
# Runs a test in a TMPDIR of its own that is empty, and must be there and empty behind it: what a test puts there it takes
# away, and nothing else. Exit status: that of the test, else 1.
set -u
own=$(mktemp -d) || exit 2
trap 'rm -rf "$own"' EXIT
trap 'exit 130' INT TERM
mkdir "$own/tmp" && chmod 755 "$own" "$own/tmp" || exit 2  # some tests become another user
status=0
TMPDIR=$own/tmp "$@" || status=$?
if [ ! -d "$own/tmp" ]; then
  echo 'the folder for temporary files: expected what it was, found none' >&2
  [ $status -ne 0 ] || status=1
elif [ $status -eq 0 ] && ! rmdir "$own/tmp" 2>/dev/null; then
  echo "the folder for temporary files: expected nothing left in it, found: $(ls -A "$own/tmp")" >&2
  status=1
fi
exit $status
