#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <localis/io/replace_file.hpp>

namespace benchmarks {

/// {"machine": ..., "table": rows of cells}, as report.cpp reads it; writes nothing if `path` is empty.
inline void write_table(const std::string& path, const std::string& machine,
                        const std::vector<std::vector<std::string>>& rows) {
  if (path.empty()) return;
  localis::io::replace_file(path, nlohmann::json{{"machine", machine}, {"table", rows}}.dump(1) + '\n');
}

}  // namespace benchmarks
