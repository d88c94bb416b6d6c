#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/io/file_lock.hpp>
#include <localis/io/log_file.hpp>

namespace localis::io {

namespace detail {

/// CRC-32C (Castagnoli), RFC 3720: reflected polynomial 0x82F63B78, starting from all ones and inverted at the end.
[[nodiscard]] constexpr std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

/// The masked checksum of TFRecord files.
[[nodiscard]] constexpr std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

template <class Word>
[[nodiscard]] std::string little_endian(Word word) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof word; ++i) bytes += static_cast<char>(word >> (8 * i) & 0xFF);
  return bytes;
}

/// A TFRecord: length, its checksum, the record, its checksum.
[[nodiscard]] inline std::string tf_record(const std::string& record) {
  const std::string length = little_endian(std::uint64_t{record.size()});
  return length + little_endian(masked_crc32c(length)) + record + little_endian(masked_crc32c(record));
}

// The fields of protocol buffers, each a key (its number and wire type) and a value.

[[nodiscard]] inline std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}
[[nodiscard]] inline std::string proto_number(unsigned field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}
[[nodiscard]] inline std::string proto_double(unsigned field, double value) {
  return varint(field << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}
[[nodiscard]] inline std::string proto_bytes(unsigned field, std::string_view value) {
  return varint(field << 3 | 2) + varint(value.size()) + std::string(value);
}
[[nodiscard]] inline std::string proto_float(unsigned field, float value) {
  return varint(field << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}

}  // namespace detail

/// Logs a run for TensorBoard: a file of scalars in a folder for this run, with tags like epoch/loss and step/gain.
///
///   const io::tensorboard_log board("runs/first");     // tensorboard --logdir runs
///   trainer.on_epoch(board);
///   trainer.on_step(board);
///
/// Values are floats, as in TensorBoard, and may be infinite; NaN, which stands for a missing value, is left out. The
/// step of the values of an epoch is the epoch. Copies write to the same file. A resumed run begins a new file in the
/// folder, which TensorBoard shows as the same run; existing_log::replace removes the earlier files. Errors:
/// data_error, from the constructor if the folder or file cannot be written, or if another log, of this process or
/// another one, still writes to a file that would be removed (if the file system has locks); from a call if the record
/// cannot be written. Thrown in a callback, it ends fit().
class tensorboard_log {
 public:
  explicit tensorboard_log(const std::filesystem::path& folder, existing_log existing = existing_log::append)
      : state_(open(folder, existing)) {
    write(detail::proto_bytes(3, "brain.Event:2"));  // file_version
  }

  template <loggable Record>
  void operator()(const Record& record) const {
    std::string summary;
    detail::for_each_number(record, '/', [&](const std::string& name, auto number) {
      const auto value = static_cast<double>(number);
      if (name == Record::name || is_nan(value)) return;  // the axis itself
      summary += detail::proto_bytes(
          1, detail::proto_bytes(1, text(Record::name, '/', name)) + detail::proto_float(2, static_cast<float>(value)));
    });
    write(detail::proto_number(2, record.number()) + detail::proto_bytes(5, summary));
  }

 private:
  static constexpr const char* prefix = "events.out.tfevents.";

  static std::chrono::duration<double> unix_time() { return std::chrono::system_clock::now().time_since_epoch(); }

  struct state {
    detail::descriptor folder;  ///< locked for as long as the file may grow
    log_file file;
  };

  /// Locks the folder. Returns false if another log holds the lock and `flags` forbid waiting for it.
  static bool lock(const detail::descriptor& folder, int flags) {
    int result = 0;
    do result = ::flock(folder.number(), flags);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno != EWOULDBLOCK;  // not every file system has locks
  }

  static std::shared_ptr<state> open(const std::filesystem::path& folder, existing_log existing) {
    namespace fs = std::filesystem;
    std::error_code failure;
    fs::create_directories(folder, failure);
    detail::descriptor in_use(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (existing == existing_log::replace && !lock(in_use, LOCK_EX | LOCK_NB)) {
      throw data_error(text(folder.string(), ": expected a folder that no log writes to, found one in use"));
    }
    std::vector<fs::path> old;
    if (!failure) {
      for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
        if (entry->path().filename().string().rfind(prefix, 0) == 0) old.push_back(entry->path());
      }
    }
    if (existing == existing_log::replace) {
      for (const fs::path& file : old) {
        if (!failure) fs::remove(file, failure);
      }
    }
    if (failure) throw data_error(text(folder.string(), ": cannot be written: ", failure.message()));
    lock(in_use, LOCK_SH);
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host = {"localhost"};
    // TensorBoard reads files in the order of their names, which is the order of time.
    const std::string seconds = text(static_cast<std::int64_t>(unix_time().count()));
    const std::string zeros(seconds.size() < 10 ? 10 - seconds.size() : 0, '0');
    const std::string name = text(prefix, zeros, seconds, '.', host.data(), '.', ::getpid(), '.');
    static std::atomic<std::size_t> count = 0;  // two logs never share a file
    fs::path file;
    do file = folder / text(name, count++);
    while (fs::exists(file, failure));
    return std::make_shared<state>(state{std::move(in_use), log_file(file, existing_log::append)});
  }

  void write(const std::string& event) const {
    state_->file.write(detail::tf_record(detail::proto_double(1, unix_time().count()) + event));
  }

  std::shared_ptr<state> state_;
};

}  // namespace localis::io
