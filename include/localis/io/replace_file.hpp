#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <localis/core/error.hpp>
#include <localis/io/file_lock.hpp>

/// Replaces files safely. All of localis replaces files through this header.
namespace localis::io {

namespace detail {

inline constexpr std::string_view draft_mark = ".localis-";
inline constexpr std::string_view draft_ending = ".part";

/// Whether this is the name of a draft for the file `target`, which a replacement uses until the draft is complete:
/// TARGET.localis-1234-0.part.
[[nodiscard]] inline bool is_draft(std::string_view name, std::string_view target) {
  return name.size() > target.size() + draft_mark.size() + draft_ending.size() &&
         name.substr(0, target.size()) == target && name.substr(target.size(), draft_mark.size()) == draft_mark &&
         name.substr(name.size() - draft_ending.size()) == draft_ending;
}

/// Removes a draft that no process is writing any more.
inline void remove_abandoned(const std::filesystem::path& draft) {
  const descriptor file(::open(draft.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.is_open() && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0) ::unlink(draft.c_str());
}

}  // namespace detail

/// A file that replaces another once it is completely on the disk. Whoever opens that name, at any moment, gets the
/// whole old or the whole new file. If anything fails before, or the process is killed, the old file stays.
///
///   io::replacement file("weights.bin");
///   file.write(bytes);
///   file.finish();
///
/// It is written beside the old file, under a unique name (weights.bin.localis-1234-0.part), so that two processes may
/// replace one file at the same time: the last to finish wins. The next replacement of the file removes such a draft of
/// a killed process. The new file gets the permissions of the old one, and its owner and group as far as this process
/// may set them. A symbolic link stays, and its target is replaced; a device or a pipe is written to directly; other
/// hard links to the old file keep the old content.
///
/// Errors: data_error with the path and the system's reason, such as a full disk, a folder that does not exist, a
/// folder of that name, or a file or folder without write permission.
class replacement {
 public:
  explicit replacement(std::filesystem::path path) : path_(std::move(path)) {
    struct stat old {};
    errno = 0;
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
      file_ = detail::descriptor(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
      must_hold(file_.is_open());
      return;
    }
    must_hold(exists ? ::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) == 0 : errno == ENOENT);
    follow_links(exists);
    uses_draft_ = true;
    open_draft(exists ? 0600 : 0666);
    if (exists) take_over(old);
    remove_drafts_of_killed_processes();
  }
  replacement(const replacement&) = delete;
  replacement& operator=(const replacement&) = delete;

  void write(std::string_view bytes) { must_hold(detail::write_all(file_.number(), bytes)); }

  void finish() {
    if (draft_.path.empty()) return;
    must_hold(::fsync(file_.number()) == 0 && ::rename(draft_.path.c_str(), target_.c_str()) == 0);
    draft_.path.clear();
    const detail::descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_CLOEXEC));
    if (folder.is_open()) ::fsync(folder.number());  // makes the name durable; not every file system supports that
  }

 private:
  struct draft {
    std::filesystem::path path;

    draft() = default;
    ~draft() {
      if (!path.empty()) ::unlink(path.c_str());
    }
    draft(const draft&) = delete;
    draft& operator=(const draft&) = delete;
  };

  void must_hold(bool good) const {
    if (good) return;
    const std::string reason = localis::detail::system_reason();
    throw data_error(
        text(path_.string(), ": cannot be written", uses_draft_ ? " (by way of a file beside it): " : ": ", reason));
  }

  static std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : ".";
  }

  void follow_links(bool exists) {
    namespace fs = std::filesystem;
    std::error_code failure;
    if (exists) {
      target_ = fs::canonical(path_, failure);
    } else {
      target_ = path_;
      for (int links = 0; !failure && fs::is_symlink(fs::symlink_status(target_, failure)); ++links) {
        errno = ELOOP;
        must_hold(links < 40);
        target_ = folder_of(target_) / fs::read_symlink(target_, failure);
      }
      if (failure == std::errc::no_such_file_or_directory) failure.clear();
    }
    errno = failure.value();
    must_hold(!failure);
  }

  void open_draft(mode_t mode) {
    static std::atomic<unsigned> count = 0;
    const std::string name = target_.filename().string().substr(0, 200);  // a name has at most 255 bytes
    for (;;) {
      std::filesystem::path fresh =
          target_.parent_path() / text(name, detail::draft_mark, ::getpid(), '-', count++, detail::draft_ending);
      errno = 0;
      file_ = detail::descriptor(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (!file_.is_open() && errno == EEXIST) continue;
      must_hold(file_.is_open());
      draft_.path = std::move(fresh);
      struct stat made {};
      static_cast<void>(::flock(file_.number(), LOCK_EX | LOCK_NB));  // it is not abandoned
      if (::fstat(file_.number(), &made) == 0 && made.st_nlink > 0) return;
      draft_.path.clear();  // another process took it for abandoned before it was locked
    }
  }

  /// Gives the draft the permissions and the owner of the old file. If its group cannot be set, the permissions of the
  /// group are left out, because they would belong to another group.
  void take_over(const struct stat& old) const {
    mode_t mode = old.st_mode & 07777U;
    if (::fchown(file_.number(), old.st_uid, old.st_gid) != 0 &&
        ::fchown(file_.number(), static_cast<uid_t>(-1), old.st_gid) != 0)
      mode &= ~070U;
    must_hold(::fchmod(file_.number(), mode) == 0);
  }

  void remove_drafts_of_killed_processes() const {
    namespace fs = std::filesystem;
    const std::string name = target_.filename().string();
    std::error_code failure;
    for (fs::directory_iterator file(folder_of(target_), failure), end; !failure && file != end;
         file.increment(failure)) {
      if (detail::is_draft(file->path().filename().native(), name)) detail::remove_abandoned(file->path());
    }
  }

  std::filesystem::path path_;    ///< as the caller gave it
  std::filesystem::path target_;  ///< the path without links
  draft draft_;                   ///< without a path if there is no draft: for a device, or after finish()
  detail::descriptor file_{};
  bool uses_draft_ = false;  ///< whether the bytes go to a draft
};

/// Replaces a file by one with this content, or creates it; see replacement.
inline void replace_file(const std::filesystem::path& path, std::string_view content) {
  replacement file(path);
  file.write(content);
  file.finish();
}

}  // namespace localis::io
