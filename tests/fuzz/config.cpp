#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "../../examples/lab/read_settings.cpp"
#include "fuzz.hpp"
#include <CLI/CLI.hpp>

namespace {

constexpr examples::run_kind kinds[] = {{.name = "sgd"},
                                        {.name = "sgd short", .follows = "sgd"},
                                        {.name = "oja", .rule = true},
                                        {.name = "frozen (batch)"}};
constexpr examples::program programs[] = {{.name = "train", .kinds = kinds, .of_models = true},
                                          {.name = "rules", .kinds = kinds, .of_rules = true}};

/// What a program takes from a configuration file; none where it refuses.
std::optional<examples::settings> settings_of(const examples::program& comparison, const std::filesystem::path& file) {
  const std::string path = file.string();
  const char* const arguments[] = {comparison.name, "--config", path.c_str()};
  CLI::App app;
  examples::settings defaults;
  defaults.comparison = comparison;
  std::optional<examples::settings> result;
  if (fuzz::refused<localis::config_error>([&] { result = examples::read_settings(app, 3, arguments, defaults); }))
    return {};
  return result;
}

}  // namespace

/// A configuration file of the example programs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::file file("config.json");
  static const fuzz::file copy("copy.json");
  file.holds({data, size});
  {
    const fuzz::memory_within bound((1U << 22) + 100 * size);  // the reader's buffer
    if (fuzz::refused<localis::config_error>([&] { (void)examples::read_config(file.path); })) return 0;
  }
  for (const examples::program& comparison : programs) {
    const auto read = settings_of(comparison, file.path);
    if (!read) continue;
    fuzz::require(read->epochs >= 1 && read->batch >= 1 && !read->runs.empty() && !read->seeds.empty(),
                  "settings with which something can be run");
    const std::string written = examples::settings_json(*read).dump();
    const auto again =
        settings_of(comparison, copy.holds({reinterpret_cast<const std::uint8_t*>(written.data()), written.size()}));
    fuzz::require(again && examples::settings_json(*again).dump() == written,
                  "the same settings from what was written");
  }
  return 0;
}
