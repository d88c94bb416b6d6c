#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz.hpp"

/// Gives a target every file of a folder, in any compiler's build: what was found once stays mended.
///   replay FOLDER
/// Fails where the folder is empty, or has no file that the target's reader takes: such a corpus has gone stale.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "expected the folder of a corpus\n");
    return 2;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> input{std::istreambuf_iterator<char>(file), {}};
    std::printf("%s\n", entry.path().filename().c_str());
    std::fflush(stdout);  // the last name is that of the file that ended the program
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++files;
  }
  std::printf("%zu inputs, %zu taken\n", files, fuzz::accepted);
  return fuzz::accepted > 0 ? 0 : 1;
}
