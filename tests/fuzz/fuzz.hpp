#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../support/temporary_folder.hpp"

#include <localis/core/error.hpp>
#include <localis/data/dataset.hpp>

// Memory is watched where AddressSanitizer counts it.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCALIS_FUZZ_COUNTS_MEMORY
#include <sanitizer/allocator_interface.h>
#endif
#endif

/// What the fuzz targets share. A target is one function, LLVMFuzzerTestOneInput: libFuzzer gives it inputs without
/// end, replay.cpp those of its corpus. What must not be ends the program, and is a finding.
namespace fuzz {

using bytes = std::span<const std::uint8_t>;

inline std::size_t accepted = 0;  ///< inputs that a reader took

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}
inline void require(bool good, const char* what) {
  if (!good) fail(std::string("expected ") + what);
}

/// Whether `read` throws what a hostile file may make it throw. Anything else gets out, and is a finding.
template <class Error, class Read>
[[nodiscard]] bool refused(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    require(*error.what() != '\0', "a message");
    return true;
  }
  ++accepted;
  return false;
}

/// A file that takes one content after the other, alone in a folder that goes with it; TMPDIR says where.
class file {
 public:
  explicit file(const std::filesystem::path& name) : path(folder_ / name) {
    std::filesystem::create_directories(path.parent_path());
  }

  const std::filesystem::path& holds(bytes content) const {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    out.close();
    if (!out) fail("cannot write " + path.string());
    return path;
  }
  [[nodiscard]] std::vector<char> content() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  const temporary_folder folder_;

 public:
  const std::filesystem::path path;
};

/// An input that is two files: the length of the first (16 bits, little-endian), the first, the second.
[[nodiscard]] inline std::pair<bytes, bytes> two(bytes input) {
  if (input.size() < 2) return {};
  const std::size_t length = std::min<std::size_t>(input[0] + 256U * input[1], input.size() - 2);
  return {input.subspan(2, length), input.subspan(2 + length)};
}

/// While it lives, all that is allocated at once must stay within `most` bytes.
class memory_within {
 public:
  explicit memory_within([[maybe_unused]] std::size_t most) {
#ifdef LOCALIS_FUZZ_COUNTS_MEMORY
    static const bool installed = __sanitizer_install_malloc_and_free_hooks(&allocated, &freed) != 0;
    require(installed, "room for the hooks that count memory");
    held() = 0;
    limit() = static_cast<std::ptrdiff_t>(most);
#endif
  }
#ifdef LOCALIS_FUZZ_COUNTS_MEMORY
  ~memory_within() { limit() = none; }
#else
  ~memory_within() {}
#endif
  memory_within(const memory_within&) = delete;
  memory_within& operator=(const memory_within&) = delete;

#ifdef LOCALIS_FUZZ_COUNTS_MEMORY
 private:
  static constexpr std::ptrdiff_t none = std::numeric_limits<std::ptrdiff_t>::max();

  static std::atomic<std::ptrdiff_t>& held() {
    static std::atomic<std::ptrdiff_t> bytes = 0;
    return bytes;
  }
  static std::atomic<std::ptrdiff_t>& limit() {
    static std::atomic<std::ptrdiff_t> bytes = none;
    return bytes;
  }
  static void allocated(const volatile void*, std::size_t size) {
    const auto most = limit().load();
    if (most == none) return;
    const auto now = held() += static_cast<std::ptrdiff_t>(size);
    if (now <= most) return;
    limit() = none;
    fail("memory: expected at most " + std::to_string(most) + " bytes, found " + std::to_string(now));
  }
  static void freed(const volatile void* block) {
    if (block == nullptr || limit() == none) return;
    held() -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(block));
  }
#endif
};

/// What holds for all pictures that a reader gives.
inline void check(const localis::data::images& data, std::size_t classes) {
  const std::size_t values = localis::data::shape_of(data).size();
  require(data.size() > 0 && values > 0, "samples with values");
  require(data.pixels().size() == data.size() * values, "as many pixels as samples and shape say");
  require(data.classes() == classes, "the classes that were asked for");
  std::vector<float> features(values);
  for (std::size_t i = 0; i < data.size(); i += 1 + data.size() / 16) {
    require(data.read(i, features) == data.labels()[i] && data.labels()[i] < classes, "a label that is a class");
    require(std::all_of(features.begin(), features.end(), [](float x) { return x >= 0 && x <= 1; }),
            "features in [0, 1]");
  }
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
