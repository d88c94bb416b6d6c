#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/io/checkpoint.hpp>
#include <localis/io/file_lock.hpp>
#include <localis/io/replace_file.hpp>
#include <localis/train/stored_run.hpp>

namespace localis::io {

/// Keeps the last checkpoints of a training run, each in a file of its own: FOLDER/NAME-step-000000300.checkpoint, with
/// the number of steps since the start of the run. An older file is removed only when the newer one is completely on
/// the disk.
///
///   io::checkpoint_folder kept("checkpoints", "lenet", 3);
///   kept.resume(trainer, [&](const auto& damaged) { notes.push_back(damaged.what()); });  // if there is any
///   trainer.on_pause(100, [&] { kept.save(trainer); });
///   trainer.fit(data);
///
/// On several ranks all must call save() and resume(), and the first one alone the other functions.
///
/// Several runs may share a folder, each under a name of its own: from the first file that it writes, an object
/// prevents all others from writing or removing files of its name (FOLDER/.NAME.lock, see file_lock). The disk needs
/// room for one file more than the number to keep.
class checkpoint_folder {
 public:
  /// @param folder  created with the first file, if it does not exist
  /// @param keep    number of files to keep, at least 1
  /// Errors: config_error if `keep` is 0, or if the name is empty or contains a slash.
  checkpoint_folder(std::filesystem::path folder, std::string name, std::size_t keep = 3)
      : folder_(std::move(folder)), name_(std::move(name)), keep_(keep) {
    expect(!name_.empty() && name_.find('/') == std::string::npos, "checkpoint_folder: name", "a part of a file's name",
           '"' + name_ + '"');
    expect(keep_ >= 1, "checkpoint_folder: keep", "at least 1", keep_);
  }

  /// The existing files, the latest step first; it does not check whether they load.
  /// Errors, here and below: checkpoint_error if the folder exists and cannot be read.
  [[nodiscard]] std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> result;
    for (const entry& one : entries()) {
      if (!one.part) result.push_back(one.path);
    }
    return result;
  }

  /// Writes a run. Then it removes the files beyond the number to keep, and the files of an earlier run that this
  /// object has not resumed (because it began anew, or because its last files did not load). Errors: those of
  /// write_checkpoint, and checkpoint_error if another process, which the message names, has the name; nothing is
  /// removed then.
  template <class T>
  void write(const stored_run<T>& run) {
    std::error_code failure;
    std::filesystem::create_directories(folder_, failure);
    if (failure) throw checkpoint_error(text(folder_.string(), ": expected a folder, found: ", failure.message()));
    lock();
    const std::uint64_t steps = run.state.epoch * run.state.steps + run.state.step;
    write_checkpoint(run, path_of(steps));
    std::size_t kept = 0;
    for (const entry& one : entries()) {
      const bool own = !one.part && (one.steps == steps || (one.steps < steps && goes_on_));
      if (own && kept++ < keep_) continue;
      remove(one);  // if that fails, the next call tries again
    }
    goes_on_ = true;
  }

  /// Reads the latest file that loads; returns nothing if there is no file at all.
  /// @param damaged  called for each later file that does not load
  /// Errors: checkpoint_error if there are files and none loads.
  template <class T>
  [[nodiscard]] std::optional<checkpoint_file<T>> read(
      const std::function<void(const checkpoint_error&)>& damaged = {}) {
    const auto all = files();
    std::string first;
    for (const std::filesystem::path& path : all) {
      try {
        checkpoint_file<T> found{path, read_checkpoint<T>(path)};
        goes_on_ = true;
        return found;
      } catch (const checkpoint_error& failure) {
        if (first.empty()) first = failure.what();
        if (damaged) damaged(failure);
      }
    }
    if (all.empty()) return std::nullopt;
    throw checkpoint_error(
        text("expected a checkpoint that loads, found none among ", all.size(), "; the last one: ", first));
  }

  /// Stores a training run; see io::save.
  template <class Trainer>
  void save(const Trainer& trainer) {
    detail::save_on_first(trainer, [&] { write(store(trainer)); });
  }
  /// Resumes from the latest file that loads; see io::resume. Returns whether there was one: on several ranks, the
  /// first one alone decides, and calls `damaged`.
  /// Errors: those of read(); checkpoint_error with the path if the file is of another run.
  template <class Trainer>
  bool resume(Trainer& trainer, const std::function<void(const checkpoint_error&)>& damaged = {}) {
    return detail::resume_on_all(trainer, [&] { return read<typename Trainer::scalar>(damaged); });
  }

  /// Removes all files of this name, and the folder if nothing else is in it. Errors: those of write().
  void clear() {
    std::error_code ignored;
    if (!std::filesystem::exists(folder_, ignored)) return;
    lock();
    for (const entry& one : entries()) remove(one);
    lock_.reset();
    std::filesystem::remove(folder_, ignored);
  }

 private:
  struct entry {
    std::filesystem::path path;
    std::uint64_t steps = 0;
    bool part = false;  ///< left by a process that was killed while it wrote
  };

  static constexpr std::string_view ending = ".checkpoint";

  void lock() {
    if (lock_ != nullptr) return;
    try {
      lock_ = std::make_shared<file_lock>(folder_ / text('.', name_, ".lock"));
    } catch (const data_error& failure) {
      throw checkpoint_error(failure.what());
    }
  }

  static void remove(const entry& one) {
    std::error_code ignored;
    if (one.part) {
      detail::remove_abandoned(one.path);
    } else {
      std::filesystem::remove(one.path, ignored);
    }
  }

  [[nodiscard]] std::filesystem::path path_of(std::uint64_t steps) const {
    const std::string digits = std::to_string(steps);
    const std::string zeros(digits.size() < 9 ? 9 - digits.size() : 0, '0');  // so that names sort as steps do
    return folder_ / text(name_, "-step-", zeros, digits, ending);
  }

  /// The files of this name, the latest step first.
  [[nodiscard]] std::vector<entry> entries() const {
    std::vector<entry> result;
    std::error_code failure;
    const std::string head = name_ + "-step-";
    for (std::filesystem::directory_iterator file(folder_, failure), end; !failure && file != end;
         file.increment(failure)) {
      std::string rest = file->path().filename().string();
      if (rest.rfind(head, 0) != 0) continue;
      rest.erase(0, head.size());
      entry found{file->path()};
      const auto [stop, code] = std::from_chars(rest.data(), rest.data() + rest.size(), found.steps);
      const std::string_view tail(stop, static_cast<std::size_t>(rest.data() + rest.size() - stop));
      found.part = detail::is_draft(tail, ending);
      if (code == std::errc{} && (tail == ending || found.part)) result.push_back(std::move(found));
    }
    if (failure && failure != std::errc::no_such_file_or_directory) {
      throw checkpoint_error(text(folder_.string(), ": expected a folder, found: ", failure.message()));
    }
    std::sort(result.begin(), result.end(), [](const entry& a, const entry& b) { return a.steps > b.steps; });
    return result;
  }

  std::filesystem::path folder_;
  std::string name_;
  std::size_t keep_;
  bool goes_on_ = false;             ///< the files are of the run that this object writes
  std::shared_ptr<file_lock> lock_;  ///< shared with copies
};

}  // namespace localis::io
