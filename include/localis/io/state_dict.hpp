#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/torch_layout.hpp>
#include <localis/io/write_safetensors.hpp>

namespace localis::io {

namespace detail {

/// Calls f(tensor with its full name, array of localis) for each array of a model, in order.
template <class Model, class F>
void for_each_torch_tensor(Model& model, torch_names names, const F& f) {
  const std::span<const operation> program = Model::operations();
  const std::vector<std::string> modules = module_names(program, names);
  model.for_each_parameter([&](const operation& op, const auto& p) {
    const auto index = static_cast<std::size_t>(&op - program.data());
    const shape input = op.input == 0 ? Model::network_type::input : program[op.input - 1].out;
    torch_tensor tensor = torch_layout(op, p, input);
    tensor.name = text(modules[index], '.', tensor.name);
    f(tensor, op, p);
  });
}

/// The name of the number of batches, which PyTorch stores beside running statistics.
inline const char* batch_count = "num_batches_tracked";

inline std::string module_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.') + 1); }

}  // namespace detail

/// Writes a model's weights and statistics as the state_dict of PyTorch's network of the same kind:
///
///   io::save_state_dict(model, "resnet18.safetensors", io::torch_names::resnet);
///   torchvision.models.resnet18().load_state_dict(safetensors.torch.load_file("resnet18.safetensors"))
///
/// num_batches_tracked is written as 0. Errors: as write_safetensors.
template <class Model>
void save_state_dict(const Model& model, const std::filesystem::path& path, torch_names names) {
  using scalar = typename Model::scalar;
  std::vector<std::vector<scalar>> arrays;
  std::vector<named_tensor> tensors;
  static constexpr std::int64_t none = 0;
  std::size_t count = 0;
  detail::for_each_torch_tensor(model, names, [&](const torch_tensor&, const operation&, const auto&) { ++count; });
  arrays.reserve(count);  // spans point into it
  detail::for_each_torch_tensor(model, names, [&](const torch_tensor& tensor, const operation&, const auto& p) {
    std::vector<scalar> host(p.size());
    model.backend().download(p.value, std::span<scalar>(host));
    std::vector<scalar> turned(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) turned[i] = host[tensor.places.empty() ? i : tensor.places[i]];
    arrays.push_back(std::move(turned));
    tensors.push_back({tensor.name, tensor.shape, std::span<const scalar>(arrays.back())});
    if (tensor.name.size() >= 11 && tensor.name.substr(tensor.name.size() - 11) == "running_var") {
      tensors.push_back(
          {detail::module_of(tensor.name) + detail::batch_count, {}, std::span<const std::int64_t>(&none, 1)});
    }
  });
  write_safetensors(path, tensors, {{"format", "pt"}});
}

/// Reads a model's weights and statistics, from a file of save_state_dict() or of PyTorch
/// (safetensors.torch.save_file(net.state_dict(), path)). The model changes only after the whole file has been found
/// valid.
///
/// Errors: data_error for missing or surplus tensors (num_batches_tracked is optional), shape_error for another shape,
///         and the errors of the reader.
template <class Model>
void load_state_dict(Model& model, const std::filesystem::path& path, torch_names names) {
  using scalar = typename Model::scalar;
  safetensors file(path);
  std::vector<std::string> expected;
  detail::for_each_torch_tensor(model, names, [&](const torch_tensor& tensor, const operation&, const auto&) {
    expected.push_back(tensor.name);
    const std::string counter = detail::module_of(tensor.name) + detail::batch_count;
    const bool statistics = tensor.name.size() >= 11 && tensor.name.substr(tensor.name.size() - 11) == "running_var";
    if (statistics && file.contains(counter)) expected.push_back(counter);
  });
  file.expect_names(expected);
  std::vector<std::pair<scalar*, std::vector<scalar>>> arrays;  // destination, and values
  detail::for_each_torch_tensor(model, names, [&](const torch_tensor& tensor, const operation&, const auto& p) {
    std::vector<scalar> stored(p.size());
    file.read(tensor.name, std::span<const std::size_t>(tensor.shape), std::span<scalar>(stored));
    std::vector<scalar> turned(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) turned[tensor.places.empty() ? i : tensor.places[i]] = stored[i];
    arrays.emplace_back(p.value, std::move(turned));
  });
  for (const auto& [own, values] : arrays) model.backend().upload(std::span<const scalar>(values), own);
}

}  // namespace localis::io
