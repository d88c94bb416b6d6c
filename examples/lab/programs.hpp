#pragma once

#include "settings.hpp"

/// What the programs of this folder are: their runs, their descriptions and the settings with which they begin.
/// rule_program.hpp has those of the comparison of rules.
namespace examples {

/// One network trained by gradient descent, with its first stages frozen, and with its first stages learning locally.
inline constexpr run_kind train_kinds[] = {
    {.name = "sgd 25", .usual = false, .frontier = true, .style = 0, .budget = 0.25},
    {.name = "sgd 50", .usual = false, .frontier = true, .style = 0, .budget = 0.5},
    {.name = "sgd 75", .usual = false, .frontier = true, .style = 0, .budget = 0.75},
    {.name = "sgd", .frontier = true, .style = 0, .budget = 1},
    {.name = "sgd 150", .usual = false, .frontier = true, .style = 0, .budget = 1.5},
    {.name = "localized static", .frontier = true, .style = 1},
    {.name = "localized averaged", .usual = false, .frontier = true, .style = 10},
    {.name = "localized annealed", .usual = false, .frontier = true, .style = 19},
    {.name = "localized dynamic", .frontier = true, .style = 2},
    {.name = "interleaved", .frontier = true, .style = 3},
    {.name = "interleaved frozen", .usual = false, .frontier = true, .style = 12},
    {.name = "interleaved averaged", .usual = false, .frontier = true, .style = 21},
    {.name = "frozen static", .frontier = true, .style = 4},
    {.name = "frozen cached", .usual = false, .frontier = true, .cached = true, .style = 11},
    {.name = "frozen averaged", .usual = false, .frontier = true, .style = 13},
    {.name = "frozen annealed", .usual = false, .frontier = true, .style = 22},
    {.name = "frozen random", .usual = false, .frontier = true, .style = 15},
    {.name = "frozen static (batch)", .usual = false, .style = 5},
    {.name = "frozen replay", .follows = "localized dynamic", .style = 6},
    {.name = "frozen replay (batch)", .usual = false, .follows = "localized dynamic", .style = 7},
    {.name = "sgd short", .follows = "localized dynamic", .style = 8},
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
