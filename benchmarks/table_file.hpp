#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace benchmarks {

/// {"machine": ..., "table": rows of cells}, as report.cpp reads it; nothing where `path` is empty.
inline void write_table(const std::string& path, const std::string& machine,
                        const std::vector<std::vector<std::string>>& rows) {
  if (path.empty()) return;
  std::ofstream file(path);
  file << nlohmann::json{{"machine", machine}, {"table", rows}}.dump(1) << '\n';
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace benchmarks
