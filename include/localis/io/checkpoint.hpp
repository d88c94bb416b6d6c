#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/write_safetensors.hpp>
#include <localis/train/stored_run.hpp>

/// Stored training runs. A checkpoint is a safetensors file with all arrays as tensors and all other values as JSON in
/// its metadata, in which floating-point values are hexadecimal strings. Each tensor and the JSON have a checksum.
namespace localis::io {

namespace detail {

inline constexpr int checkpoint_version = 2;

inline std::string hexadecimal(double value) {
  std::array<char, 64> digits{};
  char* const begin = digits.data();
  char* const end = std::to_chars(begin, begin + digits.size(), value, std::chars_format::hex).ptr;
  return {begin, end};
}
inline double from_hexadecimal(const nlohmann::json& stored) {
  const auto& digits = stored.get_ref<const std::string&>();
  double value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::hex);
  if (code != std::errc{} || end != digits.data() + digits.size()) {
    throw checkpoint_error(text("a number: expected hexadecimal digits, found \"", digits, '"'));
  }
  return value;
}

inline std::string checksum(const void* data, std::size_t bytes) {
  return text(crc32_z(crc32_z(0, nullptr, 0), static_cast<const Bytef*>(data), bytes));
}

// The members of these two types, listed as train/report.hpp lists those of its records.

using localis::detail::kind_of;
template <class T>
concept record = kind_of<T, epoch_record> || kind_of<T, memory_use> || kind_of<T, epoch_sums> || kind_of<T, run_state>;

template <kind_of<epoch_sums> Sums, class Visit>
void visit_members(Sums& sums, const Visit& visit) {
  visit("rate", sums.rate);
  visit("gain", sums.gain);
  visit("prefix_fraction", sums.prefix_fraction);
  visit("loss", sums.loss);
  visit("correct", sums.correct);
  visit.newer("unlabelled", sums.unlabelled);
  visit("norm", sums.norm);
  visit("stage_norms", sums.stage_norms);
}
template <kind_of<run_state> State, class Visit>
void visit_members(State& state, const Visit& visit) {
  visit("epoch", state.epoch);
  visit("step", state.step);
  visit("steps", state.steps);
  visit("epochs", state.report.epochs);
  visit("memory", state.report.memory);
  visit("seconds", state.report.seconds);
  visit("prefix_fraction", state.report.prefix_fraction);
  visit("sums", state.sums);
  visit("supervision", state.supervision);
}

template <class Run, class Visit>
void visit_run(Run& run, const Visit& visit) {
  visit("scalar", run.scalar);
  visit("batch", run.batch);
  visit("seed", run.seed);
  visit("model_seed", run.model_seed);
  visit("network", run.network);
  visit.newer("arithmetic", run.arithmetic);
  visit("run", run.state);
  visit("updates", run.updates);
  visit("counts", run.counts);
}

struct to_json {
  nlohmann::json& object;

  void operator()(const char* name, const auto& value) const { object[name] = encode(value); }
  void newer(const char* name, const auto& value) const { (*this)(name, value); }

  /// An empty object, to which members are added. Starting from null is not safe: if there is no memory for its first
  /// member, it can no longer be destroyed.
  static nlohmann::json empty() { return nlohmann::json::object(); }

  static nlohmann::json encode(std::size_t value) { return value; }
  static nlohmann::json encode(const std::string& value) { return value; }
  static nlohmann::json encode(double value) { return hexadecimal(value); }
  static nlohmann::json encode(std::byte value) { return static_cast<unsigned>(value); }
  static nlohmann::json encode(const epoch_sums::mean& value) { return {hexadecimal(value.sum), value.count}; }
  static nlohmann::json encode(const std::pair<std::string, double>& value) {
    return {value.first, hexadecimal(value.second)};
  }
  static nlohmann::json encode(const record auto& value) {
    nlohmann::json result = empty();
    visit_members(value, to_json{result});
    return result;
  }
  template <class T>
  static nlohmann::json encode(const std::vector<T>& values) {
    nlohmann::json result = nlohmann::json::array();
    for (const T& value : values) result.push_back(encode(value));
    return result;
  }
};

struct from_json {
  const nlohmann::json& object;

  void operator()(const char* name, auto& value) const { take(object.at(name), value); }
  /// A member that older files lack.
  void newer(const char* name, auto& value) const {
    if (object.contains(name)) (*this)(name, value);
  }
  // Lists of an epoch, of which older files have fewer.
  void operator()(const char* name, std::vector<double>& values) const {
    if (object.contains(name)) take(object.at(name), values);
  }
  void operator()(const char* name, std::vector<std::pair<std::string, double>>& values) const {
    if (object.contains(name)) take(object.at(name), values);
  }

  static void take(const nlohmann::json& stored, std::size_t& value) {
    if (!stored.is_number_unsigned())
      throw checkpoint_error(text("a count: expected a whole number, found ", stored.dump()));
    value = stored.get<std::size_t>();
  }
  static void take(const nlohmann::json& stored, double& value) { value = from_hexadecimal(stored); }
  static void take(const nlohmann::json& stored, std::byte& value) {
    std::size_t number = 0;
    take(stored, number);
    if (number > 255) throw checkpoint_error(text("a byte: expected at most 255, found ", number));
    value = static_cast<std::byte>(number);
  }
  static void take(const nlohmann::json& stored, epoch_sums::mean& value) {
    take(stored.at(0), value.sum);
    take(stored.at(1), value.count);
  }
  static void take(const nlohmann::json& stored, std::pair<std::string, double>& value) {
    take(stored.at(0), value.first);
    take(stored.at(1), value.second);
  }
  static void take(const nlohmann::json& stored, record auto& value) { visit_members(value, from_json{stored}); }
  static void take(const nlohmann::json& stored, std::string& value) { value = stored.get<std::string>(); }
  template <class T>
  static void take(const nlohmann::json& stored, std::vector<T>& values) {
    if (!stored.is_array()) throw checkpoint_error(text("expected a list, found ", stored.dump().substr(0, 100)));
    values.clear();
    for (const nlohmann::json& one : stored) take(one, values.emplace_back());
  }
};

}  // namespace detail

/// Writes a run to a file. An existing file is replaced only when the new one is completely on the disk.
/// Errors: checkpoint_error if the file cannot be written.
template <class T>
void write_checkpoint(const stored_run<T>& source, const std::filesystem::path& path) {
  nlohmann::json run = detail::to_json::empty();
  detail::visit_run(source, detail::to_json{run});
  run["format"] = detail::checkpoint_version;
  nlohmann::json checksums = nlohmann::json::object();
  std::vector<named_tensor> tensors;
  for (const auto& [name, values] : source.arrays) {
    tensors.push_back({name, {values.size()}, std::span<const T>(values)});
    checksums[name] = detail::checksum(values.data(), values.size() * sizeof(T));
  }
  run["checksums"] = std::move(checksums);
  const std::string json = run.dump();
  try {
    write_safetensors(path, tensors, {{"localis", json}, {"checksum", detail::checksum(json.data(), json.size())}});
  } catch (const data_error& failure) {
    throw checkpoint_error(failure.what());
  }
}

/// Reads a run from a file. Errors: checkpoint_error with the path, for a file that cannot be read, is not a
/// checkpoint, has another scalar type, or differs in any byte from the file that was written.
template <class T>
[[nodiscard]] stored_run<T> read_checkpoint(const std::filesystem::path& path) {
  const auto wrong = [&](const std::string& what) { return checkpoint_error(text(path.string(), ": ", what)); };
  try {
    safetensors file(path);
    const auto part = [&](const char* name) -> const std::string& {
      const auto found = file.metadata().find(name);
      if (found == file.metadata().end()) {
        throw checkpoint_error(text("expected a checkpoint of localis, found no \"", name, "\" in its metadata"));
      }
      return found->second;
    };
    const std::string& json = part("localis");
    if (detail::checksum(json.data(), json.size()) != part("checksum")) {
      throw checkpoint_error("metadata: expected what was written, found other bytes (checksum)");
    }
    const nlohmann::json run = detail::parse_careful(text(path.string(), ": metadata"), json);
    if (run.at("format") != detail::checkpoint_version) {
      throw checkpoint_error(
          text("format: expected ", detail::checkpoint_version, ", found ", run.at("format").dump()));
    }
    stored_run<T> result;
    detail::visit_run(result, detail::from_json{run});
    const char* scalar = std::is_same_v<T, float> ? "float" : "double";
    if (result.scalar != scalar) {
      throw checkpoint_error(text("scalar: expected ", scalar, ", found ", result.scalar));
    }
    for (const std::string& name : file.names()) {
      std::vector<T>& values = result.arrays[name];
      values.resize(file.info(name).size());
      file.read(name, std::span<T>(values));
      if (run.at("checksums").at(name) != detail::checksum(values.data(), values.size() * sizeof(T))) {
        throw checkpoint_error(text("tensor \"", name, "\": expected what was written, found other values (checksum)"));
      }
    }
    return result;
  } catch (const data_error& failure) {  // its message names the file already
    throw checkpoint_error(failure.what());
  } catch (const error& failure) {
    throw wrong(failure.what());
  } catch (const nlohmann::json::exception& failure) {
    throw wrong(text("expected a checkpoint of localis, found: ", failure.what()));
  }
}

/// A run that was read from a file.
template <class T>
struct checkpoint_file {
  std::filesystem::path path;
  stored_run<T> run;
};

namespace detail {

/// A run as the first rank sends it to the others: what a checkpoint has in JSON, and its arrays, as CBOR.
template <class T>
[[nodiscard]] std::string packed(const checkpoint_file<T>& file) {
  nlohmann::json object = to_json::empty();
  visit_run(file.run, to_json{object});
  object["path"] = file.path.string();
  nlohmann::json arrays = to_json::empty();
  for (const auto& [name, values] : file.run.arrays) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    arrays[name] = nlohmann::json::binary({bytes, bytes + values.size() * sizeof(T)});
  }
  object["arrays"] = std::move(arrays);
  std::string result;
  nlohmann::json::to_cbor(object, result);
  return result;
}
template <class T>
[[nodiscard]] checkpoint_file<T> unpacked(const std::string& bytes) {
  const nlohmann::json object = nlohmann::json::from_cbor(bytes);
  checkpoint_file<T> result{object.at("path").get<std::string>(), {}};
  visit_run(result.run, from_json{object});
  for (const auto& [name, stored] : object.at("arrays").items()) {
    const std::vector<std::uint8_t>& array = stored.get_binary();
    std::vector<T>& values = result.run.arrays[name];
    values.resize(array.size() / sizeof(T));
    std::copy(array.begin(), array.end(), reinterpret_cast<std::uint8_t*>(values.data()));
  }
  return result;
}

/// Calls write(), on the first rank alone if there are several.
template <class Trainer, class Write>
void save_on_first(const Trainer& trainer, const Write& write) {
  const localis::detail::exchange* ranks = trainer.model().ranks();
  if (ranks == nullptr) return write();
  (void)localis::detail::run_on_first<checkpoint_error>(*ranks, [&] {
    write();
    return std::string();
  });
}

/// Resumes from the file that read() returns, on the first rank if there are several. Returns whether there is one.
template <class Trainer, class Read>
bool resume_on_all(Trainer& trainer, const Read& read) {
  using scalar = typename Trainer::scalar;
  std::optional<checkpoint_file<scalar>> file;
  if (const localis::detail::exchange* ranks = trainer.model().ranks()) {
    const std::string bytes = localis::detail::run_on_first<checkpoint_error>(*ranks, [&] {
      const std::optional<checkpoint_file<scalar>> found = read();
      return found ? packed(*found) : std::string();
    });
    if (!bytes.empty()) file = unpacked<scalar>(bytes);
  } else {
    file = read();
  }
  if (!file) return false;
  try {
    restore(trainer, file->run);
  } catch (const checkpoint_error& failure) {
    throw checkpoint_error(text(file->path.string(), ": ", failure.what()));
  }
  return true;
}

}  // namespace detail

/// Stores a training run. Call it in a callback of trainer.on_pause(), or after fit().
///
///   trainer.on_pause(100, [&] { io::save(trainer, "run.checkpoint"); });
///
/// After trainer.distribute() all ranks must call it: the first one writes, and the others wait and throw
/// checkpoint_error with its message if it fails.
/// Errors: as write_checkpoint; config_error while steps are in flight.
template <class Trainer>
void save(const Trainer& trainer, const std::filesystem::path& path) {
  detail::save_on_first(trainer, [&] { write_checkpoint(store(trainer), path); });
}

/// Resumes a stored run: the next fit() continues it, to the same weights and report as without the interruption.
/// Nothing changes unless the whole file is valid and belongs to this network, with the same values of rules and
/// layers, scalar, batch size and seeds. Other options, and the policies, are those of this trainer. After
/// trainer.distribute() all ranks must call it: the first one reads the file, and all resume the same run; their number
/// may differ from that of the stored run, which then continues to rounding. Errors: as read_checkpoint;
/// checkpoint_error with the path and what differs.
template <class Trainer>
void resume(Trainer& trainer, const std::filesystem::path& path) {
  using scalar = typename Trainer::scalar;
  (void)detail::resume_on_all(trainer, [&] {
    return std::optional(checkpoint_file<scalar>{path, read_checkpoint<scalar>(path)});
  });
}

}  // namespace localis::io
