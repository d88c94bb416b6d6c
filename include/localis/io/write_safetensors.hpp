#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/io/replace_file.hpp>
#include <localis/io/safetensors.hpp>

namespace localis::io {

namespace detail {

template <std::unsigned_integral Word>
void append_little_endian(std::vector<char>& target, Word word) {
  for (std::size_t i = 0; i < sizeof(Word); ++i) target.push_back(static_cast<char>(word >> (8 * i) & 0xFF));
}

}  // namespace detail

/// A view of a tensor to be written; its values have the type F32, F64 or I64.
struct named_tensor {
  std::string name;
  std::vector<std::size_t> shape;  ///< row-major; empty: one value
  std::variant<std::span<const float>, std::span<const double>, std::span<const std::int64_t>> values;
};

/// Writes a safetensors file, with the same bytes as the format's own writer. An existing file is replaced only when
/// the new one is completely on the disk; see replacement.
/// Errors: shape_error if shape and values disagree; config_error for a name that occurs twice, the reserved name
/// __metadata__ or a string that is not UTF-8; data_error if the file cannot be written.
inline void write_safetensors(const std::filesystem::path& path, const std::vector<named_tensor>& tensors,
                              const metadata_map& metadata = {}) {
  struct format {
    const char* dtype;
    std::size_t width;
    int rank;  // the order of the format: by type, the widest first, so that all are aligned; then by name
  };
  static constexpr std::array<format, 3> formats = {{{"F32", 4, 2}, {"F64", 8, 1}, {"I64", 8, 0}}};
  const auto format_of = [](const named_tensor& tensor) { return formats.at(tensor.values.index()); };
  std::vector<const named_tensor*> order;
  order.reserve(tensors.size());
  for (const named_tensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [&](const named_tensor* a, const named_tensor* b) {
    const int difference = format_of(*a).rank - format_of(*b).rank;
    return difference != 0 ? difference < 0 : a->name < b->name;
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  std::set<std::string> names;
  for (const named_tensor* tensor : order) {
    if (tensor->name == "__metadata__" || !names.insert(tensor->name).second)
      throw config_error(
          text("write_safetensors: name: expected each once, and not __metadata__, found \"", tensor->name, '"'));
    const std::size_t count = std::visit([](auto values) { return values.size(); }, tensor->values);
    if (const tensor_info info{"", tensor->shape}; info.size() != count)
      throw shape_error(text("write_safetensors: tensor \"", tensor->name, "\": expected ", info.size(), " values (",
                             detail::shape_text(tensor->shape), "), found ", count));
    const std::size_t end = offset + count * format_of(*tensor).width;
    header[tensor->name] = {
        {"dtype", format_of(*tensor).dtype}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::exception& error) {
    throw config_error(text("write_safetensors: names and metadata: expected UTF-8, found: ", error.what()));
  }
  json.resize((json.size() + 7) / 8 * 8, ' ');  // the values start at a multiple of 8

  replacement file(path);
  std::vector<char> bytes;
  const auto flush = [&] {
    file.write({bytes.data(), bytes.size()});
    bytes.clear();
  };
  detail::append_little_endian(bytes, std::uint64_t{json.size()});
  bytes.insert(bytes.end(), json.begin(), json.end());
  for (const named_tensor* tensor : order)
    std::visit(
        [&](auto values) {
          for (const auto value : values) {
            using word = std::conditional_t<sizeof(value) == 4, std::uint32_t, std::uint64_t>;
            detail::append_little_endian(bytes, std::bit_cast<word>(value));
            if (bytes.size() >= 65536) flush();
          }
        },
        tensor->values);
  flush();
  file.finish();
}

}  // namespace localis::io
