#include "safetensors.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <localis/io/safetensors.hpp>
#include <localis/io/write_safetensors.hpp>

namespace io = localis::io;

namespace {

/// The values as a Value; none where the tensor's type does not serve.
template <class Value>
std::optional<std::vector<Value>> values_of(io::safetensors& from, const std::string& name) {
  std::vector<Value> result(from.info(name).size());
  if (fuzz::refused<localis::data_error>([&] { from.read(name, result); })) return {};
  return result;
}

void check_layout(const io::safetensors& read, std::size_t size) {
  std::size_t bytes = 0;
  for (const auto& [name, info] : read.tensors()) {
    fuzz::require(info.begin <= info.end, "a tensor that does not end before it begins");
    fuzz::require((info.end - info.begin) * 8 == info.size() * io::detail::bits_of(info.dtype),
                  "as many bytes as shape and type say");
    bytes += info.end - info.begin;
  }
  fuzz::require(bytes + 8 <= size, "tensors that the file holds");
}

/// Reads all, writes what the writer can write, and reads that again.
void check_writer(io::safetensors& read) {
  static const fuzz::file copy("copy.safetensors");
  std::map<std::string, std::vector<float>> floats;
  std::map<std::string, std::vector<double>> doubles;
  std::map<std::string, std::vector<std::int64_t>> integers;
  std::vector<io::named_tensor> tensors;
  for (const auto& [name, info] : read.tensors()) {
    const auto as_float = values_of<float>(read, name);
    const auto as_double = values_of<double>(read, name);
    const auto as_integer = values_of<std::int64_t>(read, name);
    fuzz::require(!as_float || as_double, "every float to be a double");
    if (info.dtype == "F32")
      tensors.push_back({name, info.shape, std::span<const float>(floats[name] = *as_float)});
    else if (info.dtype == "F64")
      tensors.push_back({name, info.shape, std::span<const double>(doubles[name] = *as_double)});
    else if (info.dtype == "I64")
      tensors.push_back({name, info.shape, std::span<const std::int64_t>(integers[name] = *as_integer)});
  }
  io::write_safetensors(copy.path, tensors, read.metadata());
  io::safetensors again(copy.path);
  fuzz::require(again.metadata() == read.metadata(), "the same metadata");
  fuzz::require(again.tensors().size() == tensors.size(), "the same tensors");
  for (const auto& tensor : tensors) {
    const io::tensor_info& info = again.info(tensor.name);
    fuzz::require(info.dtype == read.info(tensor.name).dtype && info.shape == tensor.shape, "the same type and shape");
    if (info.dtype == "F32")
      fuzz::require(fuzz::bits(*values_of<float>(again, tensor.name)) == fuzz::bits(floats[tensor.name]),
                    "the same values");
    else if (info.dtype == "F64")
      fuzz::require(fuzz::bits(*values_of<double>(again, tensor.name)) == fuzz::bits(doubles[tensor.name]),
                    "the same values");
    else
      fuzz::require(fuzz::bits(*values_of<std::int64_t>(again, tensor.name)) == fuzz::bits(integers[tensor.name]),
                    "the same values");
  }
}

}  // namespace

/// A file, see safetensors_of.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::file file("file.safetensors");
  const auto stored = fuzz::safetensors_of({data, size});
  file.holds(stored);
  std::optional<io::safetensors> read;
  {
    // A header of many small parts takes many times its length: JSON in memory, then a map.
    const fuzz::memory_within bound((1U << 17) + 100 * stored.size());
    if (fuzz::refused<localis::data_error>([&] { read.emplace(file.path); })) return 0;
  }
  check_layout(*read, stored.size());
  check_writer(*read);
  return 0;
}
