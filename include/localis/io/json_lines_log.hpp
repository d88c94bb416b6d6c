#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/utf8.hpp>
#include <localis/io/log_file.hpp>
#include <localis/train/report.hpp>

namespace localis::io {

namespace detail {

inline void append_json(std::string& json, std::string_view content) {
  expect(localis::detail::is_utf8(content), "json_line: text", "UTF-8", content);
  constexpr const char* digits = "0123456789abcdef";
  json += '"';
  for (const char letter : content) {
    const auto code = static_cast<unsigned char>(letter);
    if (code < 0x20) {
      json += "\\u00";
      json += digits[code / 16];
      json += digits[code % 16];
    } else {
      if (letter == '"' || letter == '\\') json += '\\';
      json += letter;
    }
  }
  json += '"';
}

template <class Value>
void append_json_value(std::string& json, const Value& value) {
  if constexpr (std::floating_point<Value>) {
    if (!is_finite(value)) {
      json += "null";
      return;
    }
  }
  if constexpr (std::is_arithmetic_v<Value>) {
    append_number(json, value);
  } else if constexpr (named_numbers<Value>) {
    json += '{';
    for (const auto& [name, number] : value) {
      if (json.back() != '{') json += ',';
      append_json(json, name);
      json += ':';
      append_json_value(json, number);
    }
    json += '}';
  } else {
    json += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) json += ',';
      append_json_value(json, value[i]);
    }
    json += ']';
  }
}

}  // namespace detail

/// A record as one JSON object, without the end of the line. Numbers are written so that reading gives the same value;
/// a number that is not finite is null, and an empty list is left out.
/// Errors: config_error for a label that is not UTF-8.
template <loggable Record>
[[nodiscard]] std::string json_line(const Record& record, const log_labels& labels = {}) {
  std::string line = "{";
  const auto name = [&line](std::string_view key) {
    if (line.size() > 1) line += ',';
    detail::append_json(line, key);
    line += ':';
  };
  for (const auto& label : labels) {
    name(label.first);
    detail::append_json(line, label.second);
  }
  visit_members(record, [&](const char* key, const auto& value) {
    if constexpr (requires { value.empty(); }) {
      if (value.empty()) return;
    }
    name(key);
    detail::append_json_value(line, value);
  });
  return line + '}';
}

/// Logs a run as JSON lines: an object for each epoch, each on a line of its own.
///
///   trainer.on_epoch(io::json_lines_log("epochs.jsonl"));
///   trainer.on_step(io::json_lines_log<step_event>("steps.jsonl"));
///
/// Copies write to the same file. Errors: config_error as json_line; data_error, from the constructor if the file
/// cannot be written or ends in an incomplete line; from a call if the line cannot be written. Thrown in a callback, it
/// ends fit().
template <loggable Record = epoch_record>
class json_lines_log {
 public:
  explicit json_lines_log(const std::filesystem::path& path, existing_log existing = existing_log::append,
                          log_labels labels = {})
      : labels_(std::move(labels)) {
    (void)json_line(Record{}, labels_);  // for its errors
    file_ = std::make_shared<log_file>(path, existing);
    (void)detail::first_line(path);
  }

  void operator()(const Record& record) const { file_->write(json_line(record, labels_) + '\n'); }

 private:
  log_labels labels_;
  std::shared_ptr<log_file> file_;
};

json_lines_log(const std::filesystem::path&)->json_lines_log<>;

}  // namespace localis::io
