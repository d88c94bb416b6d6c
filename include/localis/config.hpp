#pragma once

/// LOCALIS_VECTORIZE goes before an innermost loop whose iterations do not depend on each other. Kernels run in place
/// (input and output are the same array), which a compiler's overlap test would take for a dependence.
#if defined(__NVCC__)
#define LOCALIS_VECTORIZE
#elif defined(__clang__)
#define LOCALIS_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LOCALIS_VECTORIZE _Pragma("GCC ivdep")
#else
#define LOCALIS_VECTORIZE
#endif
