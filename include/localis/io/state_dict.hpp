#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/torch_layout.hpp>
#include <localis/io/write_safetensors.hpp>

namespace localis::io {

namespace detail {

/// The number of batches, which PyTorch stores beside running statistics.
inline constexpr const char* batch_count = "num_batches_tracked";

/// Calls f(tensor with its full name, array of localis, full name of the batch count behind it or "") for each array of
/// a model, in order.
template <class Model, class F>
void for_each_torch_tensor(Model& model, torch_names names, const tensor_renamer& rename, const F& f) {
  const std::span<const operation> program = Model::operations();
  const std::vector<std::string> modules = module_names(program, names);
  model.for_each_parameter([&](const operation& op, const auto& p) {
    const auto index = static_cast<std::size_t>(&op - program.data());
    const auto full = [&](std::string_view parameter, const std::string& name) {
      const std::string scheme = text(modules[index], '.', name);
      return rename ? rename(op, parameter, scheme) : scheme;
    };
    const shape input = op.input == 0 ? Model::network_type::input : program[op.input - 1].out;
    torch_tensor tensor = torch_layout(op, p, input);
    const bool counted = tensor.name == "running_var";
    tensor.name = full(p.name, tensor.name);
    f(tensor, p, counted ? full(batch_count, batch_count) : std::string());
  });
}

}  // namespace detail

/// Writes a model's weights and statistics as the state_dict of PyTorch's network of the same kind:
///
///   io::save_state_dict(model, "resnet18.safetensors", io::torch_names::resnet);
///   torchvision.models.resnet18().load_state_dict(safetensors.torch.load_file("resnet18.safetensors"))
///
/// num_batches_tracked is written as 0.
/// @param rename  gives every tensor its name in the file, from the name by the scheme; empty: the name by the scheme
/// Errors: as write_safetensors and module_names.
template <class Model>
void save_state_dict(const Model& model, const std::filesystem::path& path, torch_names names,
                     const tensor_renamer& rename = {}) {
  using scalar = typename Model::scalar;
  std::deque<std::vector<scalar>> arrays;  // spans point into them
  std::vector<named_tensor> tensors;
  static constexpr std::int64_t none = 0;
  detail::for_each_torch_tensor(model, names, rename,
                                [&](const torch_tensor& tensor, const auto& p, const std::string& counter) {
                                  std::vector<scalar> host(p.size());
                                  model.backend().download(p.value, std::span<scalar>(host));
                                  std::vector<scalar>& turned = arrays.emplace_back(p.size());
                                  for (std::size_t i = 0; i < p.size(); ++i)
                                    turned[i] = host[tensor.places.empty() ? i : tensor.places[i]];
                                  tensors.push_back({tensor.name, tensor.shape, std::span<const scalar>(turned)});
                                  if (!counter.empty())
                                    tensors.push_back({counter, {}, std::span<const std::int64_t>(&none, 1)});
                                });
  write_safetensors(path, tensors, {{"format", "pt"}});
}

/// Reads a model's weights and statistics, from a file of save_state_dict() or of PyTorch
/// (safetensors.torch.save_file(net.state_dict(), path)), in double, float, half or bfloat16. The model changes only
/// after the whole file has been found valid.
///
///   io::load_state_dict(model, "net.safetensors", io::torch_names::sequential,
///                       [](const operation&, std::string_view, const std::string& name) { return "body." + name; });
///
/// @param rename  as in save_state_dict()
/// Errors: data_error for missing or surplus tensors (num_batches_tracked is optional), shape_error for another shape,
///         and the errors of the reader and of module_names.
template <class Model>
void load_state_dict(Model& model, const std::filesystem::path& path, torch_names names,
                     const tensor_renamer& rename = {}) {
  using scalar = typename Model::scalar;
  safetensors file(path);
  std::vector<std::string> expected;
  detail::for_each_torch_tensor(model, names, rename,
                                [&](const torch_tensor& tensor, const auto&, const std::string& counter) {
                                  expected.push_back(tensor.name);
                                  if (!counter.empty() && file.contains(counter)) expected.push_back(counter);
                                });
  file.expect_names(expected);
  std::vector<std::pair<scalar*, std::vector<scalar>>> arrays;  // destination, and values
  detail::for_each_torch_tensor(
      model, names, rename, [&](const torch_tensor& tensor, const auto& p, const std::string&) {
        std::vector<scalar> stored(p.size());
        file.read(tensor.name, std::span<const std::size_t>(tensor.shape), std::span<scalar>(stored));
        std::vector<scalar> turned(p.size());
        for (std::size_t i = 0; i < p.size(); ++i) turned[tensor.places.empty() ? i : tensor.places[i]] = stored[i];
        arrays.emplace_back(p.value, std::move(turned));
      });
  for (const auto& [own, values] : arrays) model.backend().upload(std::span<const scalar>(values), own);
}

}  // namespace localis::io
