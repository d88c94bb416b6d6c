#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>

/// Configuration files: one JSON object whose names are those of options, without the dashes.
///
///   {"epochs": 10, "batch": 128, "seeds": [1, 2, 3], "digits": true, "prefix-normalization": "batch"}
namespace examples {

/// One setting of a configuration file.
struct config_value {
  enum class kind { flag, number, text, list };

  std::string name;
  kind type = kind::text;
  std::string value;  ///< such as true, 10 or batch; the parts of a list are separated by commas
};

namespace detail {

/// The text as a JSON string, in ASCII and shortened for a message.
[[nodiscard]] inline std::string in_quotes(const std::string& text) {
  constexpr std::size_t limit = 60;
  const bool cut = text.size() > limit;
  const nlohmann::json shown(cut ? text.substr(0, limit) + "..." : text);
  return shown.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// Receives the parser's events, and stops at the first event that a configuration must not contain.
class config_reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit config_reader(const std::string& source) : source_(source) {}

  [[nodiscard]] const std::vector<config_value>& values() const { return values_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool value) override {
    const std::string found = value ? "true" : "false";
    return in_list_ || !in_object_ ? refuse(found) : take(config_value::kind::flag, found);
  }
  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& digits) override {
    std::string plain = digits;  // the parser puts the point of the C library's locale there
    const auto point = plain.find_first_not_of("+-0123456789eE");
    if (point != std::string::npos) plain[point] = '.';
    return number(plain);
  }
  bool string(string_t& value) override {
    return in_object_ ? take(config_value::kind::text, value) : refuse(in_quotes(value));
  }
  bool binary(binary_t&) override { return refuse("bytes"); }

  bool start_object(std::size_t) override {
    if (in_object_) return refuse("an object");
    in_object_ = true;
    return true;
  }
  bool key(string_t& name) override {
    if (!names_.insert(name).second) {
      throw localis::config_error(localis::text(source_, ": ", in_quotes(name), ": expected once, found again"));
    }
    values_.emplace_back().name = name;
    return true;
  }
  bool end_object() override { return true; }

  bool start_array(std::size_t) override {
    if (in_list_ || !in_object_) return refuse("a list");
    in_list_ = first_ = true;
    values_.back().type = config_value::kind::list;
    return true;
  }
  bool end_array() override {
    in_list_ = false;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& failure) override {
    std::string what = failure.what();
    if (const auto end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);  // the library's number
    throw localis::config_error(
        localis::text(source_, ": at byte ", position, ": expected a whole object of JSON, found: ", what));
  }

 private:
  [[nodiscard]] bool number(const std::string& digits) {
    return in_object_ ? take(config_value::kind::number, digits) : refuse(digits);
  }
  [[nodiscard]] bool take(config_value::kind type, const std::string& value) {
    config_value& setting = values_.back();
    if (in_list_) {
      setting.value += (first_ ? "" : ",") + value;
      first_ = false;
    } else {
      setting.type = type;
      setting.value = value;
    }
    return true;
  }
  [[nodiscard]] bool refuse(const std::string& found) const {
    if (!in_object_) throw localis::config_error(localis::text(source_, ": expected an object, found ", found));
    throw localis::config_error(localis::text(
        source_, ": ", in_quotes(values_.back().name), ": expected ",
        in_list_ ? "numbers or text in a list" : "true, false, a number, text or a list", ", found ", found));
  }

  const std::string& source_;
  std::vector<config_value> values_;
  std::set<std::string> names_;
  bool in_object_ = false;
  bool in_list_ = false;
  bool first_ = false;  ///< of the list
};

}  // namespace detail

/// Reads the settings of a text, in its order. The caller decides which names and values are valid.
/// @param source  name of the file, with which messages begin
/// Errors: config_error
[[nodiscard]] inline std::vector<config_value> parse_config(std::string_view json, const std::string& source) {
  detail::config_reader reader(source);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.values();
}

/// Reads the settings of a file. Errors: config_error
[[nodiscard]] inline std::vector<config_value> read_config(const std::filesystem::path& path) {
  constexpr std::size_t limit = 1 << 20;  // not a file of pictures, not /dev/zero
  const auto refuse = [&](const std::string& found) {
    throw localis::config_error(localis::text(path.string(), ": expected a file of JSON, found ", found));
  };
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) refuse("a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(std::filesystem::exists(path, failure) ? "one that cannot be opened" : "none");
  std::string json(limit + 1, '\0');
  file.read(json.data(), static_cast<std::streamsize>(json.size()));
  json.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) refuse("one that cannot be read");
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(json.data()), json.size());
  if (const std::string kind = localis::detail::found_kind(bytes, "", "JSON"); !kind.empty()) refuse(kind);
  if (json.size() > limit) refuse(localis::text("more than ", limit, " bytes"));
  return parse_config(json, path.string());
}

}  // namespace examples
