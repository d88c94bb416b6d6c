# sh plot.sh SOURCE
# docs/frontier.svg, which the README shows, is what docs/plot.awk draws from the table in docs/results.md.
set -eu
cd "$1"
awk -f docs/plot.awk docs/results.md | cmp - docs/frontier.svg || {
  echo 'docs/frontier.svg: expected what `awk -f docs/plot.awk docs/results.md` prints' >&2
  exit 1
}
