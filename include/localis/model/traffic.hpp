#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/core/communicator.hpp>
#include <localis/core/operation.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/model/layer_pack.hpp>

namespace localis {

/// The number of values that each rank adds up with the others in one step of trainer::fit().
///
///   gradients      weights, biases, gamma and beta of the stages from the boundary on
///   rules          O x I for the weights of each layer that learns by a rule, and a few times O for its units; the
///                  gradients of the heads of local losses
///   normalization  of each batch normalization 2 C moments, and 2 C more in its backward pass
///   numbers        sizes of parts, loss, correct predictions, the stop flag, and the errors that rules remember
///
/// Units: values of the model's scalar type, `numbers` of double. Ranks add neighbouring arrays up at once, with the
/// gaps between them, which round each up to 64 bytes and are not counted.
struct step_traffic {
  std::size_t gradients = 0;
  std::size_t rules = 0;
  std::size_t normalization = 0;
  std::size_t numbers = 0;

  /// The bytes of these values, for scalars of a size.
  [[nodiscard]] constexpr std::size_t bytes(std::size_t scalar_size) const {
    return (gradients + rules + normalization) * scalar_size + numbers * sizeof(double);
  }
  /// The bytes that each of `ranks` ranks sends at least for these sums: 2 (n - 1) / n of them.
  [[nodiscard]] constexpr double sent_bytes(std::size_t scalar_size, std::size_t ranks) const {
    const auto n = static_cast<double>(ranks);
    return 2 * (n - 1) / n * static_cast<double>(bytes(scalar_size));
  }
  constexpr bool operator==(const step_traffic&) const = default;
};

/// The step whose traffic is counted.
struct traffic_options {
  std::size_t boundary = 0;
  std::size_t ranks = 2;
  std::size_t samples = 64;  ///< of all ranks
  bool learns = true;        ///< whether the local rate is above 0; otherwise the stages before the boundary rest
  prefix_normalization normalization = prefix_normalization::running;
  batch_statistics statistics = batch_statistics::all;
};

/// Counts what each rank adds up with the others in one step, from the network alone. A local loss of your own is
/// counted if it has summed_values() (learn/local_loss.hpp).
template <class Model>
[[nodiscard, gnu::cold]] step_traffic traffic_of_step(const traffic_options& step) {
  using network = typename Model::network_type;
  using backend = typename Model::backend_type;
  step_traffic sum;
  sum.numbers = step.ranks + 4;
  if (Model::remembers_errors && step.learns) sum.numbers += step.samples * (1 + Model::outputs);
  // Which values need a gradient: those that depend on a parameter within their own backward pass.
  std::array<bool, network::size + 1> wanted{};
  std::array<std::size_t, network::size + 1> passes{};
  passes[0] = network::size;
  detail::for_each_index<network::size>([&]<std::size_t Index>() {
    using layer = detail::layer_type<network, backend, Index>;
    const operation& op = network::program.operations[Index];
    const bool descends = op.stage >= step.boundary;
    const bool learns = !descends && step.learns;
    const std::size_t pass = descends ? network::stages : op.stage;
    const auto wants = [&](std::size_t value) { return wanted[value] && passes[value] == pass; };
    passes[op.output] = pass;
    wanted[op.output] = op.parameters > 0 || wants(op.input) || (op.joins() && wants(op.skip));

    if (descends) sum.gradients += op.parameters;
    if constexpr (requires { layer::summed_values(op, learns); }) {
      if (step.learns) sum.rules += layer::summed_values(op, learns);
    }
    if constexpr (std::is_same_v<layer, batch_norm_layer<backend>>) {
      const bool trains = descends || (learns && op.supervised());
      const std::size_t moments = 2 * op.in.channels;
      if (trains || step.normalization != prefix_normalization::frozen) sum.normalization += moments;
      if (trains && wants(op.input) && step.statistics == batch_statistics::all) sum.normalization += moments;
    }
  });
  return sum;
}

}  // namespace localis
