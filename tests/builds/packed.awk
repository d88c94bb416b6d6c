# Reads the assembly of packed.cpp in AT&T's syntax. Each function must have an inner loop with packed arithmetic and none
# with scalar arithmetic or a call. A whole row may have a loop over its remainder; and clang, to which LOCALIS_VECTORIZE
# says nothing, keeps a scalar loop beside each packed one, for arrays that overlap (fallback=1). Such functions must have
# no more scalar loops than packed ones.

function is_inner(loop,  other) {
  for (other = 1; other <= loops; ++other)
    if (first[other] >= first[loop] && last[other] <= last[loop] && last[other] - first[other] < last[loop] - first[loop]) return 0
  return 1
}
function check(  i, j, end, scalar, vector, found, scalars, packed) {
  loops = 0
  for (i = 1; i <= lines; ++i) {
    if (operation[i] !~ /^j/ || !(target[i] in place) || place[target[i]] > i) continue
    first[++loops] = place[target[i]]
    last[loops] = i
  }
  for (j = 1; j <= loops; ++j) {
    if (!is_inner(j) || first[j] <= end) continue
    end = last[j]
    scalar = ""
    vector = 0
    for (i = first[j]; i <= last[j]; ++i) {
      if (operation[i] ~ scalar_arithmetic || (operation[i] ~ /^call/ && target[i] !~ /^mem(cpy|set|move)/)) scalar = scalar " " operation[i]
      vector += operation[i] ~ packed_arithmetic
    }
    scalars += scalar != ""
    packed += scalar == "" && vector > 0
    if (scalar != "") found = scalar
  }
  ++functions
  if (packed > 0 && scalars <= (fallback || name ~ /9whole_row/ ? packed : 0)) return
  ++wrong
  printf "%s: %d packed loops, %d scalar:%s\n", name, packed, scalars, substr(found, 1, 80)
}
BEGIN {
  arithmetic = "(add|sub|mul|div|max|min|sqrt|u?comi|cmp[a-z_]*|round|rndscale|fn?m(add|sub)[0-9]*)"
  scalar_arithmetic = "^v?(" arithmetic "s[sd]|cvt.*(s[sd]2|2s[sd]).*)$"
  packed_arithmetic = "^v?(" arithmetic "p[sd]|cvt.*(p[sd]2|2p[sd]).*|pmuludq|pmaxs[dq])$"
}
/^_Z[^ ]*:/ {
  name = substr($1, 1, index($1, ":") - 1)
  lines = 0
  split("", place)
  next
}
/^\.L[^ ]*:/ {
  place[substr($1, 1, index($1, ":") - 1)] = lines + 1
  next
}
$1 == ".size" && name != "" {
  if (name ~ /^_ZN12localis_test/ && name !~ /keep/) check()
  name = ""
}
/^[ \t]*[a-z]/ && name != "" {
  operation[++lines] = $1
  target[lines] = $2
}
END {
  printf "%d kernels, %d with loops that are not packed\n", functions, wrong
  exit !functions || wrong
}
