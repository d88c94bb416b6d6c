#pragma once

#include <cstddef>

#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

namespace localis {

/// Runs an epilogue over a whole response, on any backend.
///
/// @param u        response, rows x units, updated in place
/// @param scratch  workspace of reduce_columns for two sums per column; unused unless the epilogue takes moments
template <class Backend, class Epilogue>
void run_epilogue(const Backend& backend, std::size_t rows, std::size_t units, typename Backend::scalar* u,
                  const Epilogue& epilogue, workspace scratch) {
  if constexpr (Epilogue::present) {
    const kernel::epilogue_rows<typename Backend::scalar, Epilogue> kernel{epilogue, u, units};
    if (epilogue.center == nullptr) {
      backend.for_rows(rows, units, kernel);
    } else {
      backend.reduce_columns(rows, units, 2, kernel, epilogue.moments, scratch);
    }
  }
}

}  // namespace localis
