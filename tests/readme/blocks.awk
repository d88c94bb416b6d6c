# awk -v page=NAME -v wrappers=FOLDER -v out=FOLDER -v gpu=HEADER -v nccl=YES -v mpi=FOLDERS -f blocks.awk PAGE
#
# Takes the fenced blocks out of a Markdown page:
#
#   cpp     into one program, one after the other as they are read: each sees the names of those before it, and may use
#           them anew. <!-- in: NAME --> before a block puts it in place of the line `// block` in wrappers/NAME.cpp. A block
#           with int main() is a program, too.
#   sh      into out/sh.LINE; one that begins with a compiler gets the last program beside it: out/sh.LINE.program.cpp
#   cmake   into out/cmake.LINE
#   text    is for people
#
# A block of the GPU's backend needs gpu, a header that stands in for the backend's own, one of NCCL needs nccl, and one of
# MPI mpi; without them these blocks are left out.
# What fits nowhere is said with its page and line, and fails.

function fail(line, what) {
  printf "%s:%d: %s\n", page, line, what > "/dev/stderr"
  status = 1
}

function add(text) { body = body text "\n" }

# The lines of a wrapper up to `// block`, or those behind it.
function add_wrapper(behind, path, text, seen) {
  if (wrapper == "") return
  path = wrappers "/" wrapper ".cpp"
  while ((getline text < path) > 0) {
    if (text ~ /^ *\/\/ block$/) seen = 1  # clang-format may indent it
    else if (seen == behind) add(text)
  }
  if (!seen) fail(start, "no wrapper " wrapper ": expected " path " with a line `// block`")
  close(path)
}

function end_cpp(n) {
  if (uses_gpu && gpu == "") {
    printf "%s:%d: left out: the GPU's backend needs Thrust, OpenMP and the headers of CUDA\n", page, start
    return
  }
  if (uses_nccl && nccl == "") {
    printf "%s:%d: left out: no NCCL\n", page, start
    return
  }
  if (uses_mpi && mpi == "") {
    printf "%s:%d: left out: no MPI\n", page, start
    return
  }
  add("namespace line_" start " {")
  add_wrapper(0)
  add("#line " (start + 1) " \"" page "\"")
  for (n = 1; n <= count; ++n) {
    if (lines[n] ~ /^ *#include /) {
      if (lines[n] ~ /localis\/backend\/cuda\/backend\.cuh/) sub(/<[^>]*>/, "\"" gpu "\"", lines[n])
      includes = includes "#line " (start + n) " \"" page "\"\n" lines[n] "\n"
      lines[n] = ""
    }
    sub(/^int main\(/, "int program(", lines[n])
    add(lines[n])
  }
  add("#line 1 \"behind line " start " of " page "\"")
  add_wrapper(1)
  closing = closing "}\n"
}

function end_block(n, path) {
  if (language == "cpp") {
    if (is_program) program = raw
    end_cpp()
  } else if (language == "sh" || language == "cmake") {
    path = out "/" language "." start
    printf "%s", raw > path
    close(path)
    if (language == "sh" && raw ~ /^g\+\+ /) {
      if (program == "") fail(start, "a compiler is called, and there is no program above")
      path = path ".program.cpp"
      printf "%s", program > path
      close(path)
    }
  } else if (language != "text") {
    fail(start, "a block of '" language "': expected cpp, sh, cmake or text")
  }
}

/^```/ {
  if (!inside) {
    inside = 1
    start = NR
    language = substr($0, 4)
    count = uses_gpu = uses_nccl = uses_mpi = is_program = 0
    raw = ""
  } else {
    inside = 0
    end_block()
    wrapper = ""
  }
  next
}
inside {
  lines[++count] = $0
  raw = raw $0 "\n"
  if ($0 ~ /cuda/) uses_gpu = 1
  if ($0 ~ /localis\/nccl\//) uses_nccl = 1
  if ($0 ~ /localis\/mpi\//) uses_mpi = 1
  if ($0 ~ /^int main\(/) is_program = 1
  next
}
/^<!-- in: [a-z_]+ -->$/ {
  wrapper = $3
  next
}
/[^ ]/ { wrapper = "" }

END {
  if (inside) fail(start, "a block without an end")
  printf "%s%s%s", includes, body, closing > (out "/page.cpp")
  exit status
}
