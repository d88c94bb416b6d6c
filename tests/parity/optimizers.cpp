#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "run_in_scalar.hpp"

#include <localis/backend/reference/backend.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/write_safetensors.hpp>
#include <localis/layer/dense.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/adamw.hpp>
#include <localis/optimizer/rmsprop.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/train/gradient_descent.hpp>

// The weights that optimizers, and the clipping of gradients before them, make of a series of gradients, for
// optimizers.py: PROGRAM float|double SERIES RESULTS

namespace lo = localis;

namespace {

/// The weights after the steps of a network with as many parameters, 60 weights and 4 biases, whose gradients are
/// replaced by those of the series.
template <class Scalar>
std::vector<Scalar> clipped(const std::vector<Scalar>& start, const std::vector<Scalar>& gradients, double value,
                            double norm) {
  lo::model<lo::network<lo::vector_input<15>, lo::dense<4>>, lo::reference::backend<Scalar>> model;
  model.prepare({.batch = 1});
  const Scalar* first = start.data();
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<Scalar>& p) {
    std::copy_n(first, p.size(), p.value);
    first += p.size();
  });
  lo::gradient_descent descent(model, lo::optimizer::sgd{.momentum = 0.9});
  descent.clip_value(value);
  descent.clip_norm(norm);
  const std::vector<Scalar> features(15);
  const std::vector<Scalar> targets(4);
  for (const Scalar* next = gradients.data(); next != gradients.data() + gradients.size();) {
    model.forward(features, 1, {});
    model.loss(lo::loss::mean_squared_error{}, {}, targets);
    model.backward();
    for (const auto& array : descent.next_gradients()) {
      std::copy_n(next, array.gradient.size(), array.gradient.data());
      next += array.gradient.size();
    }
    descent.step(0.1);
  }
  std::vector<Scalar> weights;
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<Scalar>& p) {
    weights.insert(weights.end(), p.value, p.value + p.size());
  });
  return weights;
}

template <class Scalar>
void run(const std::filesystem::path& series, const std::filesystem::path& results) {
  using values = std::vector<Scalar>;
  lo::io::safetensors file(series);
  values start(file.info("weights").size());
  values gradients(file.info("gradients").size());
  file.read("weights", start);
  file.read("gradients", gradients);
  const std::size_t size = start.size();

  std::vector<values> arrays;
  arrays.reserve(16);  // spans point into it
  std::vector<lo::io::named_tensor> found;
  const auto add = [&](const std::string& name, values weights) {
    arrays.push_back(std::move(weights));
    found.push_back({name, {size}, std::span<const Scalar>(arrays.back())});
  };
  const auto optimize = [&]<class Optimizer>(const std::string& name, const Optimizer& optimizer, double rate) {
    constexpr std::size_t states = Optimizer::template step<Scalar>::state_arrays;
    std::vector<std::array<Scalar, states>> state(size);
    values weights = start;
    for (std::size_t t = 0; t < gradients.size() / size; ++t) {
      const auto step = optimizer.template prepare<Scalar>(t + 1);
      for (std::size_t i = 0; i < size; ++i) {
        weights[i] += step(weights[i], gradients[t * size + i], state[i], static_cast<Scalar>(rate));
      }
    }
    add(name, std::move(weights));
  };
  namespace optimizer = lo::optimizer;
  optimize("sgd", optimizer::sgd{.momentum = 0.9, .weight_decay = 0.01}, 0.1);
  optimize("nesterov", optimizer::sgd{.momentum = 0.8, .nesterov = true, .weight_decay = 0.01}, 0.1);
  optimize("adam", optimizer::adam{.weight_decay = 0.01}, 0.01);
  optimize("adamw", optimizer::adamw{.weight_decay = 0.1}, 0.01);
  optimize("rmsprop", optimizer::rmsprop{.alpha = 0.9, .weight_decay = 0.01}, 0.01);
  optimize("rmsprop_momentum", optimizer::rmsprop{.momentum = 0.7}, 0.01);
  constexpr double none = std::numeric_limits<double>::infinity();
  add("clip_value", clipped(start, gradients, 2, none));
  add("clip_norm", clipped(start, gradients, none, 40));
  add("clip_value_and_norm", clipped(start, gradients, 2, 8.5));
  lo::io::write_safetensors(results, found);
}

}  // namespace

int main(int count, char** arguments) {
  return parity::run_in_scalar(count, arguments,
                               [](auto scalar, const auto& in, const auto& out) { run<decltype(scalar)>(in, out); });
}
