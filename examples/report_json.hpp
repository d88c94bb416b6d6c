#pragma once

#include <cstddef>
#include <string>

#include "comparison.hpp"
#include "experiment.hpp"
#include "settings.hpp"
#include <nlohmann/json.hpp>

#include <localis/network/summary.hpp>
#include <localis/scheduler/scheduler.hpp>
#include <localis/train/report.hpp>

namespace examples {

[[nodiscard]] inline nlohmann::ordered_json settings_json(const settings& s) {
  nlohmann::ordered_json j;
  // An option that is left to the run (the last epoch, the highest boundary) has no number.
  const auto or_null = [](std::size_t value) {
    return value == localis::scheduler::highest ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
  };
  j["quick"] = s.quick;
  j["runs"] = s.runs;
  j["seeds"] = s.seeds;
  j["epochs"] = s.epochs;
  j["short-epochs"] = s.short_epochs ? nlohmann::ordered_json(*s.short_epochs) : nlohmann::ordered_json();
  j["batch"] = s.batch;
  j["learning-rate"] = s.learning_rate.base.rate;
  j["rate-warm-up"] = s.learning_rate.epochs;
  j["momentum"] = s.optimizer.momentum;
  j["weight-decay"] = s.optimizer.weight_decay;
  if (s.of.of_models) {
    j["plain"] = s.plain;
    j["cutout"] = s.cutout;
    j["zero-gamma"] = s.zero_gamma;
  }
  j["local-rate"] = s.local_rate;
  if (s.of.of_rules) {
    j["supervised-rate"] = s.supervised_rate;
    for (const auto& [rule, rate] : s.local_rates) j["local-rate of " + rule] = rate;
  }
  j["prefix-normalization"] = s.normalization == localis::prefix_normalization::batch ? "batch" : "running";
  j["begin"] = s.linear.begin;
  j["end"] = or_null(s.linear.end);
  j["last"] = or_null(s.linear.last);
  if (s.of.of_rules) return j;
  j["every"] = s.every;
  j["prefix-rate"] = s.prefix_rate;
  j["alpha"] = s.dynamic.alpha;
  j["window"] = s.dynamic.window;
  j["patience"] = s.dynamic.patience;
  j["warm-up"] = s.dynamic.warm_up;
  j["shift"] = s.dynamic.shift;
  j["gain-exponent"] = s.gain.exponent;
  j["gain-lowest"] = s.gain.lowest;
  j["gain-highest"] = s.gain.highest;
  j["gain-smoothing"] = s.gain.smoothing;
  return j;
}

namespace detail {

[[nodiscard]] inline nlohmann::ordered_json memory_json(const localis::memory_use& use) {
  nlohmann::ordered_json j;
  j["parameters"] = use.parameters;
  j["rule_state"] = use.rule_state;
  j["optimizer_state"] = use.optimizer_state;
  j["activations"] = use.activations;
  j["gradients"] = use.gradients;
  j["scratch"] = use.scratch;
  j["arena"] = use.arena;
  j["peak"] = use.peak;
  return j;
}

[[nodiscard]] inline nlohmann::ordered_json run_json(const run_result& run) {
  nlohmann::ordered_json j;
  j["run"] = run.name;
  j["seed"] = run.seed;
  j["note"] = run.note;
  j["planned_epochs"] = run.epochs;
  j["local_rate"] = run.local_rate;
  j["ending"] = name_of(run.report.end);
  j["message"] = run.report.message;
  j["test_accuracy"] = run.test_accuracy;
  j["seconds"] = run.report.seconds;
  j["prefix_share"] = run.report.prefix_share;
  j["bytes"] = memory_json(run.report.memory);
  j["epochs"] = nlohmann::ordered_json::array();
  for (const localis::epoch_record& e : run.report.epochs) {
    nlohmann::ordered_json epoch;
    for (const auto& field : fields_of(e)) {
      epoch[field.first] =
          field.second.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json::parse(field.second);
    }
    j["epochs"].push_back(epoch);
  }
  return j;
}

}  // namespace detail

/// report.json: times in seconds, sizes in bytes, accuracies as shares in [0, 1], null where there is no number.
[[nodiscard]] inline std::string report_json(const experiment& all) {
  using json = nlohmann::ordered_json;
  json j;
  j["localis"] = version();
  if (!all.computer.commit.empty()) j["commit"] = all.computer.commit;
  j["ending"] = all.ending;
  j["message"] = all.message;
  j["settings"] = settings_json(all.chosen);
  j["data"] = {{"name", all.data},
               {"note", all.data_note},
               {"train", all.train},
               {"validation", all.validation},
               {"test", all.test}};
  j["machine"] = {{"processor", all.computer.processor}, {"system", all.computer.system},
                  {"compiler", all.computer.compiler},   {"build", all.computer.build},
                  {"backend", all.network.backend},      {"instructions", all.network.instructions},
                  {"threads", all.network.threads}};
  json layers = json::array();
  for (const localis::summary::row& row : all.network.rows) {
    layers.push_back({{"layer", row.name},
                      {"rule", row.rule},
                      {"stage", row.stage},
                      {"parameters", row.parameters},
                      {"multiply_adds", row.multiply_adds}});
  }
  j["network"] = {{"stages", all.network.stages},
                  {"highest_boundary", all.network.highest_boundary},
                  {"stage_shares", all.shares},
                  {"layers", layers}};
  j["table"] = json::array();
  for (const table_row& row : all.table()) {
    j["table"].push_back({{"run", row.name},
                          {"note", row.note},
                          {"seeds", row.seeds},
                          {"diverged", row.diverged},
                          {"test_accuracy", row.test},
                          {"test_spread", row.spread},
                          {"validation_accuracy", row.validation},
                          {"seconds", row.seconds},
                          {"speed_up", row.speed_up},
                          {"speed_up_of_products", row.model},
                          {"prefix_share", row.share},
                          {"clips", row.clips},
                          {"bytes", detail::memory_json(row.memory)},
                          {"bytes_at_end", row.last_bytes}});
  }
  j["runs"] = json::array();
  for (const run_result& run : all.runs) j["runs"].push_back(detail::run_json(run));
  return j.dump(1, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace examples
