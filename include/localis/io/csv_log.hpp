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

inline constexpr const char* csv_end = "\r\n";  ///< of a line

/// A cell as RFC 4180 has it: in quotes where it holds a comma, a quote or a line break.
[[nodiscard]] inline std::string csv_cell(std::string_view content) {
  if (content.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(content);
  std::string cell = "\"";
  for (const char letter : content) cell.append(letter == '"' ? 2 : 1, letter);
  return cell + '"';
}

/// The names of labels and numbers, without the line's end. A list has a column for each value.
template <loggable Record>
[[nodiscard]] std::string csv_header(const Record& record, const log_labels& labels = {}) {
  std::string line;
  for (const auto& [name, value] : labels) line += csv_cell(name) + ',';
  detail::for_each_number(record, '.', [&](const std::string& name, auto) { line += name + ','; });
  line.pop_back();
  return line;
}

/// Their values. Numbers read back as the same; NaN, a value that is not there, is an empty cell;
/// infinity, for which RFC 4180 has no word, is inf or -inf, as C, Python, R and spreadsheets' imports read it.
template <loggable Record>
[[nodiscard]] std::string csv_row(const Record& record, const log_labels& labels = {}) {
  std::string line;
  for (const auto& [name, value] : labels) line += csv_cell(value) + ',';
  detail::for_each_number(record, '.', [&](const std::string&, auto value) {
    bool there = true;
    if constexpr (std::floating_point<decltype(value)>) there = !is_nan(value);
    if (there) detail::append_number(line, value);
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
/// Copies write to the same file, and so may other logs: a header is written by whose row is the first. Errors:
/// data_error, from the constructor where the file cannot be written, or holds
/// other columns or half a line; from a call where the disk does not take the row. Out of a callback it ends fit().
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
      // How many values a list has is not known yet.
      const std::string wanted = csv_header(Record{}, labels);
      if (const auto found = stored_header(); found && found != wanted && found->rfind(wanted + ',', 0) != 0)
        fail(wanted, *found);
    }

    void write(const Record& record) {
      const std::string wanted = csv_header(record, labels);
      const std::string row = csv_row(record, labels) + csv_end;
      // Whether a header is there shows now: several logs may have been made before one of them has a row.
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
