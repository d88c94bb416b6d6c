// Measures the bytes of one training step: those of the plan, those that the backend counts, and those of the process.
//
//   planned   parameters, one array of momentum and the arena, by summary() before the step
//   counted   the largest memory that the backend held at once, without the few norms of the optimizer
//   resident  the largest memory of the process, including the batch and the program itself
//   of sgd    counted bytes without the weights, as a fraction of those at T = 0
//
// Every row is measured in a process of its own. The exit status is 1 if planned and counted differ.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lab/report/format.hpp"
#include "lab/report/run_program.hpp"
#include "machine_text.hpp"
#include "table_file.hpp"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/localis.hpp>
#include <localis/zoo/mobilenet_v2.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/vgg.hpp>

namespace lo = localis;

namespace {

struct bytes {
  std::size_t planned = 0;
  std::size_t counted = 0;
  std::size_t weights = 0;
  std::size_t resident = 0;
};

/// Performs one step at the boundary, for which alone the memory is prepared.
template <class Network>
bytes one_step(std::size_t batch, std::size_t boundary) {
  lo::model<Network> model{{.seed = 1}};
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  const lo::memory_counters& counters = model.backend().counters();
  const std::size_t norms = counters.held(lo::memory_kind::optimizer_state);
  model.prepare({.batch = batch, .lowest_boundary = boundary, .highest_boundary = boundary});
  const lo::summary plan = model.summary();
  bytes found;
  found.weights = plan.parameter_bytes + plan.rule_state_bytes;
  found.planned = found.weights + plan.memory[0].optimizer_arrays + plan.memory[0].arena;

  std::vector<float> features(batch * Network::input.size());
  const lo::random_stream random(1, 0);
  for (std::size_t i = 0; i < features.size(); ++i) features[i] = static_cast<float>(random.normal(i));
  std::vector<std::uint32_t> labels(batch);
  for (std::size_t n = 0; n < batch; ++n) labels[n] = static_cast<std::uint32_t>(n % 10);
  model.forward(features, batch, {.boundary = boundary, .local_rate = 1e-6});
  (void)model.loss(lo::loss::softmax_cross_entropy{}, labels);
  model.backward();
  descent.step(0.01);
  found.counted = counters.peak - norms;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  found.resident = static_cast<std::size_t>(used.ru_maxrss) * 1024;
  return found;
}

/// Performs a step in a process of its own.
bytes measured_alone(bytes (*step)(std::size_t, std::size_t), std::size_t batch, std::size_t boundary) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
    try {
      const bytes found = step(batch, boundary);
      _exit(write(ends[1], &found, sizeof found) == static_cast<ssize_t>(sizeof found) ? 0 : 1);
    } catch (const std::exception& failure) {
      std::cerr << failure.what() << std::endl;
      _exit(1);
    }
  }
  close(ends[1]);
  bytes found;
  const bool whole = read(ends[0], &found, sizeof found) == static_cast<ssize_t>(sizeof found);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error("a step ended without an answer (out of memory, perhaps)");
  }
  return found;
}

struct subject {
  const char* name;
  std::size_t batch;
  std::size_t stages;
  bytes (*step)(std::size_t, std::size_t);
};

using local_oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

template <class Network>
subject subject_of(const char* name, std::size_t batch) {
  return {name, batch, Network::stages, one_step<Network>};
}

const subject subjects[] = {
    subject_of<lo::zoo::vgg11_32<10, local_oja>>("vgg11, 32x32", 128),
    subject_of<lo::zoo::resnet20<10, local_oja>>("resnet20, 32x32", 128),
    subject_of<lo::zoo::mobilenet_v2_32<10, local_oja>>("mobilenet_v2, 32x32", 128),
    subject_of<lo::zoo::vgg16<1000, local_oja>>("vgg16, 224x224", 64),
    subject_of<lo::zoo::resnet50<1000, local_oja>>("resnet50, 224x224", 64),
};

int print_table(const std::string& only, const std::string& json) {
  const std::string told =
      benchmarks::machine_text(lo::text("threads ", lo::cpu::backend<float>().threads(), "; seed 1"));
  std::cerr << told << std::endl;
  std::vector<std::vector<std::string>> table{{"MB", "batch", "T", "planned", "counted", "resident", "of sgd"}};
  bool equal = true;
  for (const subject& network : subjects) {
    if (std::string_view(network.name).find(only) == std::string_view::npos) continue;
    double sgd = 0;
    for (const std::size_t boundary : {std::size_t{0}, network.stages / 2, network.stages - 1}) {
      const bytes found = measured_alone(network.step, network.batch, boundary);
      const auto rest = static_cast<double>(found.counted - found.weights);
      if (boundary == 0) sgd = rest;
      equal = equal && found.planned == found.counted;
      table.push_back({network.name, std::to_string(network.batch), std::to_string(boundary),
                       examples::megabytes(found.planned), examples::megabytes(found.counted),
                       examples::megabytes(found.resident), examples::fixed(rest / sgd, 2)});
    }
  }
  localis::expect(table.size() > 1, "--only", "a part of a network's name, as resnet", only);
  std::cout << examples::text_table(table) << std::flush;
  benchmarks::write_table(json, told, table);
  if (!equal) throw std::runtime_error("planned and counted bytes differ");
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  return examples::run_program("memory", "Measures the bytes of training steps.", [&](CLI::App& app) {
    std::string only;
    app.add_option("--only", only, "Networks whose name has this text in it");
    std::string json;
    app.add_option("--json", json, "Writes the table to this file, too");
    app.parse(count, arguments);
    return print_table(only, json);
  });
}
