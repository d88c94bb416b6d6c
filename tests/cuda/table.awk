# awk -f table.awk PTXAS SASS: what ptxas -v and cuobjdump -sass say of table.cu, as one line for each kernel, by its
# mangled name; c++filt makes it readable. Ends with status 1 if a kernel is worse than docs/gpu.md says.
#
#   registers  spilled bytes  widest load and store in bits  instructions of a call per element it computes (sums: of
#   the kernel)  integer divisions  stores in loops  name

function hex(text,  i, n) {
  n = 0
  for (i = 3; i <= length(text); ++i) n = 16 * n + index("0123456789abcdef", tolower(substr(text, i, 1))) - 1
  return n
}
function width(code) {
  sub(/ .*/, "", code)
  return code ~ /\.128/ ? 128 : code ~ /\.64/ ? 64 : 32
}
function complain(what) {
  print "localis: table.awk: " name ": " what >"/dev/stderr"
  worse = 1
}
function finish(  i, j, elements, per, in_loops, sums) {
  if (name == "" || name ~ /EmptyKernel/) return
  in_loops = 0
  for (i = 1; i <= stores; ++i) {
    for (j = 1; j <= loops; ++j) {
      if (store_at[i] >= loop_from[j] && store_at[i] <= loop_to[j]) {
        ++in_loops
        break
      }
    }
  }
  sums = name ~ /column_blocks/ && name !~ /epilogue/  # which stores what it completes
  elements = match(name, /callILi[0-9]+E/) ? substr(name, RSTART + 7, RLENGTH - 8) + 0 : 1
  per = instructions / elements
  printf "%3d %3d %3d %3d %6.1f %2d %2d %s\n", registers[name], spilled[name], load, store, per, divisions, in_loops, name
  if (spilled[name] > 0) complain("expected no spilled registers, found " spilled[name] " bytes")
  if (name ~ /callILi4E.*unfold_rows/ && per > 20) complain("expected at most 20 instructions per element, found " per)
  if (name ~ /unfold_rows|fold_rows|pool|column_blocks/ && divisions > 0) complain("expected no division, found " divisions)
  if (sums && in_loops > 0) complain("expected no store in a loop, found " in_loops)
}

FNR == NR {
  if (match($0, /entry function '[^']+/)) entry = substr($0, RSTART + 16, RLENGTH - 16)
  if (match($0, /[0-9]+ bytes spill stores/)) spilled[entry] = substr($0, RSTART, RLENGTH) + 0
  if (match($0, /Used [0-9]+/)) registers[entry] = substr($0, RSTART + 5, RLENGTH - 5) + 0
  next
}
/Function : / {
  finish()
  name = $3
  instructions = stores = loops = divisions = load = store = done = 0
  next
}
/^ *\/\*[0-9a-f]+\*\/ / {
  code = $0
  sub(/^ *\/\*/, "", code)
  address = hex("0x" substr(code, 1, index(code, "*") - 1))
  sub(/^[0-9a-f]+\*\/ */, "", code)
  sub(/ *;.*/, "", code)
  sub(/^@!?[A-Z0-9]+ */, "", code)
  if (code ~ /^NOP/ || done) next
  ++instructions
  if (code ~ /LDG/ && width(code) > load) load = width(code)
  if (code ~ /STG/) {
    if (width(code) > store) store = width(code)
    store_at[++stores] = address
  }
  if (code ~ /^I2F.*\.RP/) ++divisions
  if (match(code, /BRA 0x[0-9a-f]+/)) {
    target = hex(substr(code, RSTART + 4, RLENGTH - 4))
    if (target == address) {
      done = 1  # what follows is padding
      --instructions
    } else if (target < address) {
      loop_from[++loops] = target
      loop_to[loops] = address
    }
  }
}
END {
  finish()
  exit worse
}
