#pragma once

#include <cstdint>
#include <string_view>

#include "lab.hpp"
#include "model_pictures.hpp"
#include "programs.hpp"
#include "settings.hpp"
#include "train_program.hpp"

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/model/initialize.hpp>

namespace examples {

namespace detail {

/// Weights as in the papers: He's deviation by fan out where a network normalizes its batches, else by fan in.
template <class Model>
[[nodiscard]] localis::initialization initial_weights(const settings& chosen, std::uint64_t seed) {
  localis::initialization options;
  for (const localis::operation& op : Model::operations()) {
    if (std::string_view(op.name) == "batch_norm") options = localis::initialization::torchvision();
  }
  options.zero_gamma = chosen.zero_gamma;
  options.seed = seed;
  return options;
}

}  // namespace detail

/// The program that trains one published network; see train_program.hpp.
/// @param network  its name in localis::zoo
/// @param dropout  share of elements that dropout layers set to 0
/// @param backend  a new one for each run, from the settings
template <class Model, class Backend>
[[nodiscard]] int train_model(const char* name, const char* network, double dropout, int argc, char** argv,
                              const Backend& backend) {
  const auto work = [&](const settings& chosen) {
    const auto load = [&] {
      pictures data = load_model_pictures(chosen, Model::network_type::input);
      if (data.train.classes() > Model::outputs) {
        throw localis::config_error(localis::text("--data: ", data.name, ": expected at most ", Model::outputs,
                                                  " classes, which ", name, " is built for, found ",
                                                  data.train.classes()));
      }
      return data;
    };
    const auto make = [&](std::uint64_t seed) {
      Model fresh{{.seed = seed}, backend(chosen)};
      fresh.for_each_layer([&](const localis::operation&, auto& layer) {
        if constexpr (requires { layer.rate = dropout; }) layer.rate = dropout;
      });
      localis::initialize(fresh, detail::initial_weights<Model>(chosen, seed));
      return fresh;
    };
    return train_and_compare<Model>(chosen, load, make);
  };
  return run_comparison(model_program(name, network), argc, argv, work);
}

}  // namespace examples
