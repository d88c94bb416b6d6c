#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "run_in_scalar.hpp"

#include <localis/io/safetensors.hpp>
#include <localis/io/write_safetensors.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/adamw.hpp>
#include <localis/optimizer/rmsprop.hpp>
#include <localis/optimizer/sgd.hpp>

// The weights that optimizers make of a series of gradients, for optimizers.py: PROGRAM float|double SERIES RESULTS

namespace lo = localis;

namespace {

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
  const auto add = [&]<class Optimizer>(const std::string& name, const Optimizer& optimizer, double rate) {
    constexpr std::size_t states = Optimizer::template step<Scalar>::state_arrays;
    std::vector<std::array<Scalar, states>> state(size);
    values weights = start;
    for (std::size_t t = 0; t < gradients.size() / size; ++t) {
      const auto step = optimizer.template prepare<Scalar>(t + 1);
      for (std::size_t i = 0; i < size; ++i) {
        weights[i] += step(weights[i], gradients[t * size + i], state[i], static_cast<Scalar>(rate));
      }
    }
    arrays.push_back(weights);
    found.push_back({name, {size}, std::span<const Scalar>(arrays.back())});
  };
  namespace optimizer = lo::optimizer;
  add("sgd", optimizer::sgd{.momentum = 0.9, .weight_decay = 0.01}, 0.1);
  add("nesterov", optimizer::sgd{.momentum = 0.8, .nesterov = true, .weight_decay = 0.01}, 0.1);
  add("adam", optimizer::adam{.weight_decay = 0.01}, 0.01);
  add("adamw", optimizer::adamw{.weight_decay = 0.1}, 0.01);
  add("rmsprop", optimizer::rmsprop{.alpha = 0.9, .weight_decay = 0.01}, 0.01);
  add("rmsprop_momentum", optimizer::rmsprop{.momentum = 0.7}, 0.01);
  lo::io::write_safetensors(results, found);
}

}  // namespace

int main(int count, char** arguments) {
  return parity::run_in_scalar(count, arguments,
                               [](auto scalar, const auto& in, const auto& out) { run<decltype(scalar)>(in, out); });
}
