#pragma once

#include <cerrno>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <localis/core/error.hpp>
#include <localis/io/file_lock.hpp>

/// Parts that the logs of a run share; see csv_log.hpp, json_lines_log.hpp and tensorboard_log.hpp.
namespace localis::io {

namespace detail {

struct any_visit {  // nvcc takes no lambda in a concept
  template <class T>
  void operator()(const char*, const T&) const {}
};

}  // namespace detail

/// A record that can be logged: epoch_record, step_event, or a type of your own. It has a name, a position on the axis
/// of a plot, and in its namespace a visit_members(record, visit) that calls visit(name, value) for each of its numbers
/// and lists of numbers, or of pairs of a name and a number.
template <class Record>
concept loggable = std::default_initializable<Record> && requires(const Record& record) {
  { Record::name } -> std::convertible_to<std::string_view>;
  { record.number() } -> std::convertible_to<std::size_t>;
  visit_members(record, detail::any_visit{});
};

/// Names and strings that precede the numbers of every record: {{"run", "sgd"}, {"seed", "1"}}; UTF-8.
using log_labels = std::vector<std::pair<std::string, std::string>>;

/// What happens to an existing log. A resumed run appends. If it repeats epochs that the log already has, the last
/// records of them count. `replace` removes the earlier records, also when another csv_log or json_lines_log is still
/// open on the file: that one then appends behind the new records. tensorboard_log refuses such a `replace`; see also
/// file_lock, which keeps a second process out.
enum class existing_log { append, replace };

/// A file that grows by whole records. Each record is one write to its end, so that a killed run leaves whole records,
/// unless it is killed at the very moment at which the kernel moves from one page of the write to the next. A record
/// for which the disk has no room is removed again. Several objects may write to one file without mixing their records.
class log_file {
 public:
  /// Errors: data_error with the path and the reason if the file cannot be opened.
  log_file(std::filesystem::path path, existing_log existing)
      : path_(std::move(path)),
        file_(::open(path_.c_str(),
                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (existing == existing_log::replace ? O_TRUNC : 0),
                     0666)) {
    if (!file_.is_open()) fail(errno);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Errors: data_error with the path and the reason; the file is then as it was before.
  void write(std::string_view record) {
    write([&](bool) { return record; });
  }

  /// Writes the string that `decide(empty)` returns, while nobody else writes. `empty` tells whether the file is empty
  /// or, for a pipe or a device, whether this object has not written yet.
  template <std::invocable<bool> Decide>
  void write(const Decide& decide) {
    const lock held(file_.number());
    struct stat status {};
    const bool known = ::fstat(file_.number(), &status) == 0 && S_ISREG(status.st_mode);
    const auto record = decide(known ? status.st_size == 0 : !begun_);
    if (!detail::write_all(file_.number(), record)) {
      const int code = errno;
      if (known && ::ftruncate(file_.number(), status.st_size) != 0) fail(errno);
      fail(code);
    }
    begun_ = true;
  }

 private:
  /// Locks the file against other logs, if the file system has locks. No second lock says that the file is
  /// open: NFS turns both into locks on the bytes of the file, and one would wait for the other without end.
  class lock {
   public:
    explicit lock(int file) : file_(file) {
      while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
      }
    }
    ~lock() { ::flock(file_, LOCK_UN); }
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;

   private:
    int file_;
  };

  [[noreturn]] void fail(int code) const {
    throw data_error(text(path_.string(), ": cannot be written: ", std::generic_category().message(code)));
  }

  std::filesystem::path path_;
  detail::descriptor file_;
  bool begun_ = false;
};

namespace detail {

/// The first line of an existing file; there is none for an empty file, a pipe or a device. Errors: data_error for a
/// file that ends in an incomplete line, which would merge with the appended text.
inline std::optional<std::string> first_line(const std::filesystem::path& path) {
  std::error_code ignored;
  std::string line;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  std::ifstream file(path, std::ios::binary);
  if (!std::getline(file, line)) return {};
  file.clear();
  if (file.seekg(-1, std::ios::end); file.get() == '\n') return line;
  throw data_error(text(path.string(), ": last line: expected a whole one, found one without its end"));
}

/// The shortest digits from which the same number is read.
template <class Number>
void append_number(std::string& target, Number number) {
  char digits[32];
  target.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

template <class Value>
concept named_numbers = requires(const Value& list) {
  { list[0].first } -> std::convertible_to<std::string_view>;
  list[0].second;
};

/// Calls f(name, number) for each number of a record; the values of a list are NAME.0, NAME.1, ..., or have names of
/// their own behind the dot.
template <class Record, class F>
void for_each_number(const Record& record, char separator, const F& f) {
  visit_members(record, [&](const char* name, const auto& value) {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>) {
      f(std::string(name), value);
    } else if constexpr (named_numbers<std::remove_cvref_t<decltype(value)>>) {
      for (const auto& [own, number] : value) f(text(name, separator, own), number);
    } else {
      for (std::size_t i = 0; i < value.size(); ++i) f(text(name, separator, i), value[i]);
    }
  });
}

}  // namespace detail

}  // namespace localis::io
