# The warnings for everything that this repository builds itself. The library's target must not have them, because a
# user's build would inherit them.
#
#   LOCALIS_WARNINGS          the flags that g++ and clang++ know, as a list
#   LOCALIS_GNU_WARNINGS      more flags that only g++ knows
#   localis_warnings(target)  compiles target with them, as plain C++ without the compiler's extensions

option(LOCALIS_WERROR "Warnings are errors in our own tests and examples" ON)

set(LOCALIS_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wsign-conversion -Wdouble-promotion)
set(LOCALIS_GNU_WARNINGS -Wuseless-cast)
if(LOCALIS_WERROR)
  list(APPEND LOCALIS_WARNINGS -Werror)
endif()

function(localis_warnings target)
  target_compile_options(${target} PRIVATE ${LOCALIS_WARNINGS} $<$<CXX_COMPILER_ID:GNU>:${LOCALIS_GNU_WARNINGS}>)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()
