#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/core/finite.hpp>

/// Named arrays in the format of Hugging Face's safetensors: the length of a header (64 bits, little-endian), the
/// header (JSON), the values of all tensors without a gap. This component needs nlohmann-json.
/// Source: https://github.com/huggingface/safetensors
namespace localis::io {

/// The entry of one tensor in the header.
struct tensor_info {
  std::string dtype;               ///< "F32", "F64", "F16", "BF16", "I64", ...
  std::vector<std::size_t> shape;  ///< row-major; empty: one value
  std::size_t begin = 0;           ///< first byte, counted from the end of the header
  std::size_t end = 0;

  /// The number of values.
  [[nodiscard]] std::size_t size() const {
    std::size_t product = 1;
    for (const std::size_t extent : shape) product *= extent;
    return product;
  }
};

using metadata_map = std::map<std::string, std::string>;

namespace detail {

/// The number of bits per value; 0 for an unknown type.
[[nodiscard]] inline std::size_t bits_of(const std::string& dtype) {
  static const std::map<std::string, std::size_t> bits = {
      {"BOOL", 8},        {"U8", 8},   {"I8", 8},      {"U16", 16},    {"I16", 16},    {"U32", 32},
      {"I32", 32},        {"U64", 64}, {"I64", 64},    {"F16", 16},    {"BF16", 16},   {"F32", 32},
      {"F64", 64},        {"C64", 64}, {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
      {"F8_E5M2FNUZ", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}};
  const auto found = bits.find(dtype);
  return found == bits.end() ? 0 : found->second;
}

[[nodiscard]] inline std::string shape_text(std::span<const std::size_t> shape) {
  std::string result;
  for (const std::size_t extent : shape) result += text(result.empty() ? "" : "x", extent);
  return result.empty() ? "a single value" : result;
}

template <std::unsigned_integral Word>
[[nodiscard]] Word little_endian(const std::uint8_t* bytes) {
  Word word = 0;
  for (std::size_t i = 0; i < sizeof(Word); ++i) word = static_cast<Word>(word | Word{bytes[i]} << (8 * i));
  return word;
}

/// Converts an IEEE 754 binary16 number.
[[nodiscard]] inline float from_half(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  const float sign = (half & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31)
    return mantissa != 0 ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

[[nodiscard]] inline float from_bfloat(std::uint16_t word) { return std::bit_cast<float>(std::uint32_t{word} << 16); }

/// Checks JSON before it is used: no name may occur twice (the parser would silently take one of them), and the nesting
/// is limited (printing a part of it in a message is recursive). Syntax errors are left to the parser.
class json_checker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit json_checker(const std::string& location) : location_(location) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    if (!names_.back().insert(name).second)
      throw data_error(text(location_, ": expected every name once, found \"", name, "\" twice"));
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  static constexpr std::size_t most_levels = 16;

  bool open() {
    if (names_.size() == most_levels)
      throw data_error(text(location_, ": expected JSON of at most ", most_levels, " levels, found more"));
    names_.emplace_back();
    return true;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  const std::string& location_;
  std::vector<std::set<std::string>> names_;  ///< names seen, by level
};

/// Parses JSON that json_checker accepts.
/// Errors: data_error, which begins with `location`; nlohmann::json::exception.
inline nlohmann::json parse_careful(const std::string& location, const std::string& json) {
  json_checker checker(location);
  nlohmann::json::sax_parse(json, &checker);
  return nlohmann::json::parse(json);
}

}  // namespace detail

/// A safetensors file, open for reading. The header is read and checked at once, values are read on request. A header
/// that contradicts the size of the file is rejected. Only one thread at a time may use it.
class safetensors {
 public:
  static constexpr std::size_t longest_header = 100'000'000;  ///< bytes; the format's own limit

  /// Errors: data_error with path (and byte offset, tensor, expected, found) for a file that cannot be read or is cut
  /// short, for a header that is larger than the file or the format allows, is not JSON, contains a name twice, or
  /// lacks or misstates a field; for an unknown dtype and a size that does not follow from shape and dtype; and for
  /// offsets that leave the file, overlap, or leave a hole.
  explicit safetensors(const std::filesystem::path& path) : name_(path.string()) {
    const std::size_t size = localis::detail::open_to_read(path, file_);
    const auto found = [&path](const std::string& otherwise) { return localis::detail::found_kind(path, otherwise); };
    if (size < 8) throw data_error(name_, size, "a header's length of 8 bytes", found("the end of the file"));

    std::array<std::uint8_t, 8> length{};
    read_bytes(name_, 0, length);
    const auto header_bytes = detail::little_endian<std::uint64_t>(length.data());
    const std::size_t limit = (std::min)(size - 8, longest_header);
    if (header_bytes > limit)
      throw data_error(name_, 0, text("a header of at most ", limit, " bytes"), found(text(header_bytes)));
    std::string header(static_cast<std::size_t>(header_bytes), ' ');
    read_bytes(name_, 8, std::span<std::uint8_t>(reinterpret_cast<std::uint8_t*>(header.data()), header.size()));
    if (header.empty() || header.front() != '{')
      throw data_error(name_, 8, "a header in JSON that starts with {",
                       found(header.empty() ? "nothing" : "another byte"));
    values_ = 8 + header.size();
    try {
      take(detail::parse_careful(name_ + ": header", header));
    } catch (const nlohmann::json::exception& error) {
      throw data_error(name_, 8, "a header in JSON", error.what());
    }
    check_layout(size - values_);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const metadata_map& metadata() const { return metadata_; }
  [[nodiscard]] const std::map<std::string, tensor_info>& tensors() const { return tensors_; }
  [[nodiscard]] bool contains(const std::string& tensor) const { return tensors_.contains(tensor); }

  /// The names of all tensors, sorted.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    result.reserve(tensors_.size());
    for (const auto& [tensor, info] : tensors_) result.push_back(tensor);
    return result;
  }

  /// Returns the entry of a tensor. Errors: data_error if there is no such tensor.
  [[nodiscard]] const tensor_info& info(const std::string& tensor) const {
    const auto found = tensors_.find(tensor);
    if (found == tensors_.end())
      throw data_error(
          text(name_, ": expected a tensor \"", tensor, "\", found none of that name among ", tensors_.size()));
    return found->second;
  }

  /// Reads all values of a tensor, row-major, into an array of as many float or double (from F64, F32, F16, BF16; to
  /// float with rounding) or std::int64_t (only from I64).
  /// Errors: data_error if there is no such tensor, for an unsuitable dtype, for a value too large for a float, or for
  /// a file that has become shorter; shape_error if `target` has another number of elements.
  template <std::ranges::contiguous_range Values>
  void read(const std::string& tensor, Values&& target) {
    const std::span<std::ranges::range_value_t<Values>> values(target);
    const tensor_info& stored = info(tensor);
    if (stored.size() != values.size())
      throw shape_error(text(location(tensor), ": expected ", values.size(), " values, found ", stored.size(), " (",
                             detail::shape_text(stored.shape), ")"));
    read_values(tensor, stored, values);
  }

  /// Reads all values of a tensor that must have this shape.
  /// Errors: as above, and shape_error for another shape.
  template <std::ranges::contiguous_range Values>
  void read(const std::string& tensor, std::span<const std::size_t> shape, Values&& target) {
    const tensor_info& stored = info(tensor);
    if (!std::equal(shape.begin(), shape.end(), stored.shape.begin(), stored.shape.end()))
      throw shape_error(text(location(tensor), ": expected shape ", detail::shape_text(shape), ", found ",
                             detail::shape_text(stored.shape)));
    read(tensor, target);
  }

  /// Checks the names of the tensors. Errors: data_error that lists missing and surplus tensors, unless the
  ///         tensors are exactly the expected ones.
  void expect_names(std::vector<std::string> expected) const {
    std::sort(expected.begin(), expected.end());
    const std::vector<std::string> found = names();
    const std::string missing = difference(expected, found);
    const std::string extra = difference(found, expected);
    if (!missing.empty() || !extra.empty())
      throw data_error(text(name_, ": expected ", expected.size(), " tensors, found ", found.size(), "; missing: ",
                            missing.empty() ? "none" : missing, "; not expected: ", extra.empty() ? "none" : extra));
  }

 private:
  [[nodiscard]] std::string location(const std::string& tensor) const {
    return text(name_, ": tensor \"", tensor, '"');
  }

  [[nodiscard]] static std::string difference(const std::vector<std::string>& one,
                                              const std::vector<std::string>& other) {
    std::string list;
    for (const std::string& name : one)
      if (!std::binary_search(other.begin(), other.end(), name)) list += (list.empty() ? "" : ", ") + name;
    return list;
  }

  void read_bytes(const std::string& source, std::size_t offset, std::span<std::uint8_t> bytes) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const auto got = static_cast<std::size_t>(file_.gcount());
    if (got != bytes.size())
      throw data_error(source, offset + got, text(bytes.size() - got, " bytes more"), "the end of the file");
  }

  /// Stores the JSON of the header in metadata_ and tensors_.
  void take(const nlohmann::json& header) {
    for (const auto& [tensor, fields] : header.items()) {
      if (tensor == "__metadata__") {
        take_metadata(fields);
        continue;
      }
      const auto wrong = [&, &own = tensor](const char* expected, const nlohmann::json& found) {
        return data_error(text(location(own), ": expected ", expected, ", found ", found.dump().substr(0, 200)));
      };
      if (!fields.is_object() || fields.size() != 3 || !fields.contains("dtype") || !fields.contains("shape") ||
          !fields.contains("data_offsets"))
        throw wrong("the fields dtype, shape and data_offsets", fields);
      const nlohmann::json& dtype = fields["dtype"];
      const nlohmann::json& shape = fields["shape"];
      const nlohmann::json& offsets = fields["data_offsets"];
      if (!dtype.is_string() || detail::bits_of(dtype.get<std::string>()) == 0)
        throw wrong("a dtype of the format", dtype);
      const auto is_size = [](const nlohmann::json& value) { return value.is_number_unsigned(); };
      if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_size))
        throw wrong("a shape of whole numbers", shape);
      if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), is_size))
        throw wrong("two data_offsets", offsets);
      tensor_info info{dtype.get<std::string>(), shape.get<std::vector<std::size_t>>(), offsets[0].get<std::size_t>(),
                       offsets[1].get<std::size_t>()};
      check_size(tensor, info);
      tensors_.emplace(tensor, std::move(info));
    }
  }

  void take_metadata(const nlohmann::json& fields) {
    const auto is_text = [](const nlohmann::json& value) { return value.is_string(); };
    if (!fields.is_object() || !std::all_of(fields.begin(), fields.end(), is_text))
      throw data_error(text(name_, ": __metadata__: expected strings by name"));
    metadata_ = fields.get<metadata_map>();
  }

  /// Checks that the bytes between the offsets match shape and dtype.
  void check_size(const std::string& tensor, const tensor_info& info) const {
    const bool empty = std::find(info.shape.begin(), info.shape.end(), 0U) != info.shape.end();
    std::size_t bits = empty ? 0 : detail::bits_of(info.dtype);
    bool whole = true;
    for (const std::size_t extent : info.shape) {
      whole = whole && (bits == 0 || extent <= (std::numeric_limits<std::size_t>::max)() / bits);
      if (whole) bits *= extent;
    }
    whole = whole && bits % 8 == 0;
    if (!whole || info.begin > info.end || info.end - info.begin != bits / 8)
      throw data_error(text(location(tensor), ": expected data_offsets ",
                            whole ? text(bits / 8, " bytes apart") : "that hold whole bytes", " for ", info.dtype, ' ',
                            detail::shape_text(info.shape), ", found [", info.begin, ", ", info.end, "]"));
  }

  /// Checks that the tensors fill the file, without a hole or an overlap.
  void check_layout(std::size_t bytes) const {
    using entry = std::pair<std::pair<std::size_t, std::size_t>, const std::string*>;
    std::vector<entry> order;
    order.reserve(tensors_.size());
    for (const auto& [tensor, info] : tensors_) order.push_back({{info.begin, info.end}, &tensor});
    std::sort(order.begin(), order.end(), [](const entry& a, const entry& b) { return a.first < b.first; });
    std::size_t offset = 0;
    for (const auto& [range, tensor] : order) {
      if (range.second > bytes)
        throw data_error(text(location(*tensor), ": expected data_offsets of at most ", bytes,
                              ", the bytes after the header, found [", range.first, ", ", range.second, "]"));
      if (range.first != offset)
        throw data_error(text(location(*tensor), ": expected data_offsets from ", offset,
                              ", where the tensor before it ends, ", "found [", range.first, ", ", range.second,
                              "]: ", range.first < offset ? "they overlap" : "a hole"));
      offset = range.second;
    }
    if (offset != bytes)
      throw data_error(name_, values_ + offset, "the end of the file after the last tensor",
                       text(bytes - offset, " bytes more"));
  }

  void read_values(const std::string& tensor, const tensor_info& stored, std::span<std::int64_t> values) {
    if (stored.dtype != "I64") throw data_error(text(location(tensor), ": expected dtype I64, found ", stored.dtype));
    convert<std::uint64_t>(tensor, stored, values,
                           [](std::uint64_t word) { return std::bit_cast<std::int64_t>(word); });
  }

  template <std::floating_point Value>
  void read_values(const std::string& tensor, const tensor_info& stored, std::span<Value> values) {
    if (stored.dtype == "F32")
      convert<std::uint32_t>(tensor, stored, values, [](std::uint32_t word) { return std::bit_cast<float>(word); });
    else if (stored.dtype == "F64")
      convert<std::uint64_t>(tensor, stored, values, [](std::uint64_t word) { return std::bit_cast<double>(word); });
    else if (stored.dtype == "F16")
      convert<std::uint16_t>(tensor, stored, values, detail::from_half);
    else if (stored.dtype == "BF16")
      convert<std::uint16_t>(tensor, stored, values, detail::from_bfloat);
    else
      throw data_error(text(location(tensor), ": expected dtype F32, F64, F16 or BF16, found ", stored.dtype));
  }

  /// Reads word by word, a piece of the tensor at a time.
  template <std::unsigned_integral Word, class Value, class Convert>
  void convert(const std::string& tensor, const tensor_info& stored, std::span<Value> values,
               const Convert& as_number) {
    constexpr std::size_t piece = 65536 / sizeof(Word);
    const std::string source = location(tensor);
    std::vector<std::uint8_t> bytes((std::min)(piece, values.size()) * sizeof(Word));
    for (std::size_t first = 0; first < values.size(); first += piece) {
      const std::size_t count = (std::min)(piece, values.size() - first);
      read_bytes(source, values_ + stored.begin + first * sizeof(Word), std::span(bytes).first(count * sizeof(Word)));
      for (std::size_t i = 0; i < count; ++i) {
        const auto number = as_number(detail::little_endian<Word>(bytes.data() + i * sizeof(Word)));
        if constexpr (sizeof(number) > sizeof(Value))
          if (is_finite(number) &&
              (std::abs)(number) > static_cast<decltype(number)>((std::numeric_limits<Value>::max)()))
            throw data_error(text(source, ": value ", first + i, ": expected one that fits a float, found ", number));
        values[first + i] = static_cast<Value>(number);
      }
    }
  }

  std::string name_;
  std::ifstream file_;
  std::size_t values_ = 0;  ///< byte where the header ends
  metadata_map metadata_;
  std::map<std::string, tensor_info> tensors_;
};

}  // namespace localis::io
