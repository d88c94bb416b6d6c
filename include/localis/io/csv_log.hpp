#pragma once

#include <concepts>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/core/finite.hpp>
#include <localis/io/log_file.hpp>
#include <localis/train/report.hpp>

namespace localis::io {

inline constexpr const char* csv_end = "\r\n";  ///< the end of a line

/// A cell in the format of RFC 4180: in quotes if it contains a comma, a quote or a line break.
[[nodiscard]] inline std::string csv_cell(std::string_view content) {
  if (content.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(content);
  std::string cell = "\"";
  for (const char letter : content) cell.append(letter == '"' ? 2 : 1, letter);
  return cell + '"';
}

/// The header: the names of labels and numbers, without the end of the line. A list has a column for each value.
template <loggable Record>
[[nodiscard]] std::string csv_header(const Record& record, const log_labels& labels = {}) {
  std::string line;
  for (const auto& [name, value] : labels) line += csv_cell(name) + ',';
  detail::for_each_number(record, '.', [&](const std::string& name, auto) { line += csv_cell(name) + ','; });
  line.pop_back();
  return line;
}

/// A row: the values of labels and numbers. Numbers are written so that reading gives the same value. NaN, which stands
/// for a missing value, is an empty cell; infinity, for which RFC 4180 has no notation, is inf or -inf, which C,
/// Python, R and spreadsheets read.
template <loggable Record>
[[nodiscard]] std::string csv_row(const Record& record, const log_labels& labels = {}) {
  std::string line;
  for (const auto& [name, value] : labels) line += csv_cell(value) + ',';
  detail::for_each_number(record, '.', [&](const std::string&, auto value) {
    bool present = true;
    if constexpr (std::floating_point<decltype(value)>) present = !is_nan(value);
    if (present) detail::append_number(line, value);
    line += ',';
  });
  line.pop_back();
  return line;
}

/// Logs a run as CSV, RFC 4180: a header, and a row for each epoch.
///
///   trainer.on_epoch(io::csv_log("epochs.csv"));
///   trainer.on_step(io::csv_log<step_event>("steps.csv"));
///
/// Copies write to the same file, and other logs may do so, too: the log with the first row writes the header. Errors:
/// data_error, from the constructor if the file cannot be written, or contains other columns or an incomplete line;
/// from a call if the row cannot be written. Thrown in a callback, it ends fit().
template <loggable Record = epoch_record>
class csv_log {
 public:
  explicit csv_log(const std::filesystem::path& path, existing_log existing = existing_log::append,
                   log_labels labels = {})
      : state_(std::make_shared<state>(path, existing, std::move(labels))) {}

  void operator()(const Record& record) const { state_->write(record); }

 private:
  struct state {
    state(const std::filesystem::path& path, existing_log existing, log_labels texts)
        : labels(std::move(texts)), file(path, existing) {
      // The lengths of lists are not known yet.
      const std::string wanted = csv_header(Record{}, labels);
      if (const auto found = stored_header(); found && found != wanted && found->rfind(wanted + ',', 0) != 0)
        fail(wanted, *found);
    }

    void write(const Record& record) {
      const std::string wanted = csv_header(record, labels);
      const std::string row = csv_row(record, labels) + csv_end;
      // Only now is it known whether the file has a header: several logs may exist before one of them has a row.
      file.write([&](bool empty) {
        if (!empty && header.empty()) header = stored_header().value_or(wanted);
        if (!empty && header != wanted) fail(wanted, header);
        return empty ? wanted + csv_end + row : row;
      });
      header = wanted;
    }

    [[nodiscard]] std::optional<std::string> stored_header() const {
      const auto first = detail::first_line(file.path());
      return first ? std::optional(first->substr(0, first->find('\r'))) : std::nullopt;
    }
    [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
      throw data_error(text(file.path().string(), ": header: expected ", expected, ", found ",
                            localis::detail::found_kind(file.path(), found)));
    }

    log_labels labels;
    log_file file;
    std::string header;  ///< of the file; empty before the first row
  };
  std::shared_ptr<state> state_;
};

csv_log(const std::filesystem::path&)->csv_log<>;

}  // namespace localis::io
