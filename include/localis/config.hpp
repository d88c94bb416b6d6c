#pragma once

/// LOCALIS_VECTORIZE goes before an innermost loop whose iterations do not depend on each other. Kernels run in place
/// (input and output are the same array), which a compiler would take for a dependence.
///
/// clang has no such hint that does not also warn, at the user's call, of every loop that it chooses not to vectorize.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__NVCC__)
#define LOCALIS_VECTORIZE _Pragma("GCC ivdep")
#else
#define LOCALIS_VECTORIZE
#endif

/// The inline namespace of all code that runs on the threads of OpenMP or, in a file compiled without OpenMP, on one
/// thread. It gives the functions of both kinds different names, so that one program may contain files of both.
#if defined(_OPENMP)
#define LOCALIS_CPU_THREADS with_openmp
#else
#define LOCALIS_CPU_THREADS without_openmp
#endif
