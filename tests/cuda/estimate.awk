# awk -f estimate.awk RATES FS='\t' WORK: how long a GPU takes for WORK, as step_work prints it, at the rates of
# rates.txt. A piece of work takes what its bytes or its FLOP take, whichever is more, or the least time of its line if
# that is more, and a gap before the next. If RATES has the ms of a profile, each must be met within a quarter.
#
#   ms  launches  MB read  MB written  fewest blocks  kernel

function most(a, b) { return a > b ? a : b }
function compare(what, ms, profiled,  off) {
  off = 100 * (ms / profiled - 1)
  printf "%8.3f ms, in the profile %6.3f, %+3.0f %%: %s\n", ms, profiled, off, what
  if (off > 25 || off < -25) failed = 1
}

FNR == NR {
  if (/^#/) next
  if ($1 == "gap") {
    gap = $3
    next
  }
  kind[++rates] = $1
  kernel[rates] = $2
  bandwidth[rates] = $3
  flops[rates] = $4
  least[rates] = $5
  profile[rates] = $6
  next
}
$1 == "copy" { next }
{
  for (i = 1; i <= rates && ($1 != kind[i] || $6 !~ kernel[i]); ++i) {}
  if (i > rates) {
    print "localis: estimate.awk: expected a rate for every kernel, found none for " $6 >"/dev/stderr"
    failed = 2
    exit
  }
  us = ($3 + $4) / bandwidth[i]
  if (flops[i] != "-") us = most(us, 1000 * $5 / flops[i])
  us = most(us, least[i]) + gap
  of_rate[i] += us
  name = $1 == "launch" ? $6 : $1 ": " $6
  gsub(/localis::([a-z_]+::)*/, "", name)
  name = substr(name, 1, 90)
  of_kernel[name] += us
  ++count[name]
  read[name] += $3
  written[name] += $4
  if (!(name in blocks) || $2 < blocks[name]) blocks[name] = $2
  all += us
  moved += $3 + $4
}
END {
  if (failed) exit failed
  for (name in count) {
    printf "%8.3f %4d %9.1f %9.1f %7d %s\n", of_kernel[name] / 1000, count[name], read[name], written[name],
      blocks[name], name | "sort -rn"
  }
  close("sort -rn")
  printf "%8.3f ms in all, for %.0f MB\n", all / 1000, moved
  for (i = 1; i <= rates; ++i) {
    if (profile[i] == "") continue
    compare(kind[i] " " kernel[i], of_rate[i] / 1000, profile[i])
    compared += of_rate[i] / 1000
    profiled += profile[i]
  }
  if (profiled > 0) compare("together", compared, profiled)
  exit failed
}
