#pragma once

#include <string>
#include <string_view>

#include "lab/report/machine.hpp"

namespace benchmarks {

/// The facts about the machine and the build, to which all figures belong. @param details  what the program adds
[[nodiscard]] inline std::string machine_text(std::string_view details) {
  const examples::machine here = examples::this_machine();
  return here.processor + "; " + here.compiler + "; " + here.build + "; " + std::string(details) + "; commit " +
         here.commit;
}

}  // namespace benchmarks
