# Reads the PTX of stores.cpp: into how many arrays each entry stores, against the number in its name. nvcc takes for
# granted that a call it has dropped is never reached: what leads there, and what lies behind, stores nothing.
#
#   place[r]   where in the parameters the register r points to, or its value lay
#   leads[r]   the places of the arrays into which an address in r may point

function before_plus(text) { sub(/\+.*/, "", text); return text }
function place_of(text,  base) {
  base = before_plus(text)
  return (base in place ? place[base] : 0) + substr(text, length(base) + 2)
}
function add_leads(to, from,  i, n, each, changed) {
  n = split(leads[from], each, " ")
  for (i = 1; i <= n; ++i) {
    if (index(leads[to] " ", " " each[i] " ")) continue
    leads[to] = leads[to] " " each[i]
    changed = 1
  }
  return changed
}

/\.entry / {
  name = $0
  sub(/.*\.entry /, "", name)
  sub(/\(.*/, "", name)
  inside = match(name, /(stores|adds|reduces)ILi[0-9]+E/)
  expected = substr(name, RSTART, RLENGTH)
  gsub(/[^0-9]/, "", expected)
  moves = stores = 0
  split("", place)
  split("", leads)
  next
}
!inside { next }
/^}/ {
  do {  # a loop's registers are set below the place where they are read
    changed = 0
    for (i = 1; i <= moves; ++i) changed += add_leads(to[i], from[i])
  } while (changed)
  leads["all"] = ""
  for (i = 1; i <= stores; ++i) add_leads("all", store[i])
  found = split(leads["all"], each, " ")
  ++all
  if (found != expected) {
    ++wrong
    printf "stores into %d arrays, expected %d: %s\n", found, expected, name
  }
  inside = 0
  next
}
{
  gsub(/[][{},;]/, " ")
  sub(/^[ \t]*@!?%p[0-9]+/, "")
  $1 = $1
}
$1 ~ /^mov\./ && $3 ~ /_param_[0-9]+$/ { place[$2] = 1000000 * substr($3, match($3, /[0-9]+$/)) }
$1 == "add.s64" && $3 in place && $4 !~ /%/ { place[$2] = place[$3] + $4 }
$1 == "ld.param.u64" {
  match(before_plus($3), /[0-9]+$/)
  place[$2] = place_of($3) + ($3 ~ /^%/ ? 0 : 1000000 * substr($3, RSTART, RLENGTH))
}
$1 == "cvta.to.global.u64" && $3 in place { leads[$2] = " " place[$3] }
$1 ~ /^(cvta\.to\.global|add|mov|selp|sub)\./ && $2 ~ /^%rd/ {
  to[++moves] = $2
  from[moves] = $3
}
$1 ~ /^(add|selp)\./ && $4 ~ /^%rd/ {
  to[++moves] = $2
  from[moves] = $4
}
$1 ~ /^(st|red)\./ && $1 !~ /^st\.(param|local|shared)/ { store[++stores] = before_plus($2) }
$1 ~ /^atom\./ { store[++stores] = before_plus($3) }
END {
  printf "every policy that is shipped: %d kernels, %d that store into fewer arrays than they should\n", all, wrong
  exit !all || wrong
}
