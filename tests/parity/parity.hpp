#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/state_dict.hpp>
#include <localis/io/torch_layout.hpp>
#include <localis/io/write_safetensors.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/plain.hpp>
#include <localis/train/gradient_descent.hpp>

/// A network run on the weights and the batch that a file holds, and what came of it written to another: both in the
/// layout of PyTorch, which parity.py compares with PyTorch's own.
namespace parity {

namespace lo = localis;

/// Pictures from channels first to channels last.
template <class Scalar>
std::vector<Scalar> channels_last(const std::vector<Scalar>& x, std::size_t samples, const lo::shape& of) {
  std::vector<Scalar> turned(x.size());
  for (std::size_t n = 0; n < samples; ++n) {
    for (std::size_t c = 0; c < of.channels; ++c) {
      for (std::size_t p = 0; p < of.positions(); ++p) {
        turned[n * of.size() + p * of.channels + c] = x[n * of.size() + c * of.positions() + p];
      }
    }
  }
  return turned;
}

template <class Network, class Scalar>
void run(lo::io::torch_names names, const std::filesystem::path& weights, const std::filesystem::path& batch,
         const std::filesystem::path& results) {
  using model_type = lo::model<Network, lo::cpu::backend<Scalar>>;
  model_type model;
  model.for_each_layer([](const lo::operation& op, auto& layer) {
    if constexpr (requires { layer.rate; }) {
      if (op.kind == lo::operation_kind::dropout) layer.rate = 0;
    }
  });
  lo::io::load_state_dict(model, weights, names);

  lo::io::safetensors file(batch);
  std::vector<std::int64_t> classes(file.info("labels").size());
  file.read("labels", classes);
  const std::size_t samples = classes.size();
  const std::vector<std::uint32_t> labels(classes.begin(), classes.end());
  std::vector<Scalar> x(samples * Network::input.size());
  file.read("x", x);
  x = channels_last(x, samples, Network::input);

  // Where each of PyTorch's tensors lies.
  std::map<const Scalar*, lo::io::torch_tensor> tensors;
  lo::io::detail::for_each_torch_tensor(
      model, names, {},
      [&](const lo::io::torch_tensor& t, const auto& p, const std::string&) { tensors[p.value] = t; });
  std::vector<std::vector<Scalar>> arrays;
  arrays.reserve(8 + 4 * tensors.size());  // spans point into it
  std::vector<lo::io::named_tensor> found;
  const auto keep = [&](const std::string& name, std::vector<std::size_t> shape, std::vector<Scalar> values) {
    arrays.push_back(std::move(values));
    found.push_back({name, std::move(shape), std::span<const Scalar>(arrays.back())});
  };
  const auto turned = [](const lo::io::torch_tensor& t, const Scalar* ours, std::size_t size) {
    std::vector<Scalar> theirs(size);
    for (std::size_t i = 0; i < size; ++i) theirs[i] = ours[t.places.empty() ? i : t.places[i]];
    return theirs;
  };

  model.prepare({.batch = samples});
  keep("evaluation", {samples, model_type::outputs}, model.predict(x, samples));
  lo::gradient_descent descent{model, lo::optimizer::plain{}};
  for (std::uint64_t step = 0; step < 3; ++step) {
    const auto logits = model.forward(x, samples, {.step = step});
    if (step == 0) keep("logits", {samples, model_type::outputs}, {logits.begin(), logits.end()});
    const double loss = model.loss(lo::loss::softmax_cross_entropy{}, labels);
    if (step == 0) keep("loss", {1}, {static_cast<Scalar>(loss)});
    model.backward();
    if (step == 0) {
      model.for_each_gradient([&](const lo::operation&, const auto& p, const Scalar* gradient) {
        const lo::io::torch_tensor& t = tensors.at(p.value);
        keep("gradient." + t.name, t.shape, turned(t, gradient, p.size()));
      });
    }
    descent.step(0.01);
  }
  model.for_each_parameter([&](const lo::operation&, const auto& p) {
    const lo::io::torch_tensor& t = tensors.at(p.value);
    keep("after." + t.name, t.shape, turned(t, p.value, p.size()));
  });
  lo::io::write_safetensors(results, found);
}

/// PROGRAM float|double NAMES WEIGHTS BATCH RESULTS
template <class Network>
int main(int count, char** arguments) {
  const std::map<std::string_view, lo::io::torch_names> schemes{
      {"features", lo::io::torch_names::features},         {"resnet", lo::io::torch_names::resnet},
      {"googlenet", lo::io::torch_names::googlenet},       {"densenet", lo::io::torch_names::densenet},
      {"squeezenet", lo::io::torch_names::squeezenet},     {"mobilenet_v2", lo::io::torch_names::mobilenet_v2},
      {"efficientnet", lo::io::torch_names::efficientnet}, {"sequential", lo::io::torch_names::sequential}};
  if (count != 6) {
    std::cerr << "expected: float|double NAMES WEIGHTS BATCH RESULTS\n";
    return 2;
  }
  try {
    const lo::io::torch_names names = schemes.at(arguments[2]);
    if (std::string_view(arguments[1]) == "double") {
      run<Network, double>(names, arguments[3], arguments[4], arguments[5]);
    } else {
      run<Network, float>(names, arguments[3], arguments[4], arguments[5]);
    }
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace parity
