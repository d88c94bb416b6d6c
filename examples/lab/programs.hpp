#pragma once

#include "settings.hpp"

/// What the programs of this folder are: their runs, their descriptions and the settings with which they begin.
/// rule_program.hpp has those of the comparison of rules.
namespace examples {

/// One network trained by gradient descent, with its first stages frozen, and with its first stages learning locally.
inline constexpr run_kind train_kinds[] = {
    {.name = "sgd 25", .usual = false, .frontier = true, .budget = 0.25},
    {.name = "sgd 50", .usual = false, .frontier = true, .budget = 0.5},
    {.name = "sgd 75", .usual = false, .frontier = true, .budget = 0.75},
    {.name = "sgd", .frontier = true, .budget = 1},
    {.name = "sgd 150", .usual = false, .frontier = true, .budget = 1.5},
    {.name = "localized static", .frontier = true},
    {.name = "localized averaged", .usual = false, .frontier = true},
    {.name = "localized annealed", .usual = false, .frontier = true},
    {.name = "localized dynamic", .frontier = true},
    {.name = "interleaved", .frontier = true},
    {.name = "interleaved frozen", .usual = false, .frontier = true},
    {.name = "interleaved averaged", .usual = false, .frontier = true},
    {.name = "frozen static", .frontier = true},
    {.name = "frozen averaged", .usual = false, .frontier = true},
    {.name = "frozen annealed", .usual = false, .frontier = true},
    {.name = "frozen random", .usual = false, .frontier = true},
    {.name = "frozen static (batch)", .usual = false},
    {.name = "frozen replay", .follows = "localized dynamic"},
    {.name = "frozen replay (batch)", .usual = false, .follows = "localized dynamic"},
    {.name = "sgd short", .follows = "localized dynamic"},
};

/// The comparison of boundaries.
[[nodiscard]] inline settings boundaries_program(const char* name = "boundaries") {
  settings defaults;
  defaults.comparison = {.name = name,
                         .what =
                             "Trains one network by gradient descent, with frozen and with locally learning first "
                             "stages, and compares accuracy, time and memory.",
                         .network = "six_stages",
                         .kinds = train_kinds};
  return defaults;
}

/// A program that trains a published network.
[[nodiscard]] inline settings model_program(const char* name, const char* network) {
  settings defaults;
  defaults.epochs = 10;
  defaults.batch = 128;
  defaults.comparison = {.name = name,
                         .what =
                             "Trains a published network by gradient descent, with frozen and with locally "
                             "learning first stages, and compares accuracy, time and memory.",
                         .network = network,
                         .kinds = train_kinds,
                         .of_models = true};
  return defaults;
}

}  // namespace examples
