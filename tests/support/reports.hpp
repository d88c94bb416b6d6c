#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "lab/comparison.hpp"
#include "lab/experiment.hpp"
#include "lab/settings.hpp"

/// What the tests of reports share.
namespace reports {

inline std::size_t count(const std::string& in, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t place = in.find(what); place != std::string::npos; place = in.find(what, place + 1)) ++found;
  return found;
}

inline constexpr examples::run_kind kinds[] = {{.name = "sgd"}, {.name = "frozen <static>"}};

/// A finished run of two epochs and three classes.
inline examples::run_result run(const std::string& name, std::uint64_t seed) {
  examples::run_result r;
  r.name = name;
  r.seed = seed;
  r.epochs = 2;
  r.report.end = localis::ending::finished;
  r.report.seconds = 0.1 + 0.2;
  r.report.memory.peak = 4000000;
  for (std::size_t e = 0; e < 2; ++e) {
    localis::epoch_record& record = r.report.epochs.emplace_back();
    record.epoch = e;
    record.boundary = e;
    record.steps = 10;
    record.samples = 160;
    record.loss = 1.0 / static_cast<double>(e + 3);
    record.validation_accuracy = 0.8125;
    record.seconds = 0.15;
    record.bytes = 12345;
    record.stage_update_norms = {examples::no_number, 0.1};
  }
  r.confusion = localis::confusion_matrix(3);
  for (std::size_t c = 0; c < 3; ++c) r.confusion.add(c, c, 40);
  r.confusion.add(1, 2, 7);
  r.test_accuracy = r.confusion.accuracy();
  return r;
}

inline examples::experiment experiment() {
  examples::experiment all;
  all.chosen.comparison = {.name = "train", .network = "lenet", .kinds = kinds};
  all.chosen.epochs = 2;
  all.chosen.seeds = {1};
  all.data = "three <kinds>";
  all.class_names = {"cat", "dog & cow", "ox"};
  for (const char* layer : {"conv2d", "dense"}) {
    all.network.rows.emplace_back().name = layer;
    all.network.rows.back().rule = "oja";
  }
  all.test = 127;
  all.work_fractions = {0.5, 0.5};
  all.runs = {run("sgd", 1), run("frozen <static>", 1)};
  all.ending = "finished";
  return all;
}

}  // namespace reports
