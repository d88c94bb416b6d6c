#pragma once

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <locale>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

/// The exceptions that localis throws. The library never prints: it throws one of these, or returns a report.
namespace localis {

namespace detail {

/// A value of any type, and the function that prints it: print_part, for literals of all lengths the same.
struct text_part {
  const void* value;
  void (*print)(std::ostream& out, const void* value);
};
template <class Value>
[[gnu::cold]] void print_part(std::ostream& out, const void* value) {
  if constexpr (std::is_same_v<Value, char[]>) {
    out << static_cast<const char*>(value);
  } else {
    out << *static_cast<const Value*>(value);
  }
}

/// Implements text(), compiled once for all values.
[[nodiscard, gnu::cold]] inline std::string joined_text(std::initializer_list<text_part> parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.exceptions(std::ios::badbit);  // otherwise the text would silently end when memory runs out
  for (const text_part& part : parts) part.print(out, part.value);
  return out.str();
}

}  // namespace detail

/// Builds text from values: `text("batch: expected at most ", n, ", found ", batch)`, in the C locale, not in that of
/// the program, because the text also goes into files.
template <class... Parts>
[[nodiscard, gnu::cold, gnu::noinline]] std::string text(const Parts&... parts) {
  return detail::joined_text(
      {detail::text_part{&parts, detail::print_part<std::conditional_t<std::is_array_v<Parts>, char[], Parts>>}...});
}

/// Base of all errors, so that `catch (const localis::error&)` catches every one. If glibc's <error.h> is included, the
/// bare name is ambiguous after `using namespace localis;`.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Two arrays, or an array and a network, disagree in their extents.
class shape_error : public error {
 public:
  using error::error;
};

/// A value that a caller chose is out of its range; the message names the value, the range and what was found.
class config_error : public error {
 public:
  using error::error;
};

/// A data file or a user's array has wrong content.
class data_error : public error {
 public:
  explicit data_error(const std::string& message) : error(message) {}

  /// @param source   file path, or the name of the array
  /// @param offset   byte offset (file) or element (array) where the fault was seen
  data_error(const std::string& source, std::size_t offset, const std::string& expected, const std::string& found)
      : error(text(source, ": at byte ", offset, ": expected ", expected, ", found ", found)) {}
};

/// The loss, or a weight, became NaN or infinite.
class divergence_error : public error {
 public:
  divergence_error(const std::string& what, std::size_t at_stage, std::size_t at_epoch, std::size_t at_step)
      : error(text("training diverged: ", what, " at stage ", at_stage, ", epoch ", at_epoch, ", step ", at_step)),
        stage(at_stage),
        epoch(at_epoch),
        step(at_step) {}

  std::size_t stage;
  std::size_t epoch;
  std::size_t step;
};

/// A checkpoint cannot be written, read, or does not belong to this network.
class checkpoint_error : public error {
 public:
  using error::error;
};

/// A call to an accelerator failed.
class device_error : public error {
 public:
  using error::error;
};

/// Throws config_error "name: expected EXPECTED, found VALUE" unless `good`.
template <class Value>
void expect(bool good, const char* name, const char* expected, const Value& found) {
  if (!good) throw config_error(text(name, ": expected ", expected, ", found ", found));
}

namespace detail {

/// The reason why a system call failed, in the words of the system: "No space left on device". Set errno to 0 before
/// the call.
[[nodiscard, gnu::cold]] inline std::string system_reason() {
  return std::generic_category().message(errno != 0 ? errno : EIO);
}

}  // namespace detail

}  // namespace localis
