#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/model/memory_plan.hpp>
#include <localis/model/step_options.hpp>

namespace localis {

/// A description of a model and of the memory of a training step, as values; operator<< prints it as a table.
struct summary {
  struct row {
    std::string name;
    std::string rule;
    std::size_t stage = 0;
    shape out{};
    std::size_t parameters = 0;
    std::size_t multiply_adds = 0;  ///< of the response to one sample
  };
  struct memory_row {
    std::size_t boundary = 0;
    std::size_t activations = 0;
    std::size_t gradients = 0;
    std::size_t scratch = 0;
    std::size_t arena = 0;
    std::size_t optimizer_arrays = 0;  ///< bytes of one array over all parameters that learn by gradient
  };

  std::string backend;
  std::string instructions;  ///< vector instructions for which the products were compiled
  std::string arithmetic;    ///< how products are computed where a backend has several ways
  std::size_t threads = 1;
  std::size_t scalar_bytes = 4;
  shape input{};
  std::size_t stages = 0;
  std::size_t highest_boundary = 0;
  std::size_t batch = 0;
  std::size_t parameter_bytes = 0;  ///< weights, biases, normalization and its statistics
  std::size_t rule_state_bytes = 0;
  std::size_t error_rows = 0;  ///< rows of output errors, one per sample, whose bytes rule_state_bytes contains
  std::size_t error_row_bytes = 0;
  std::vector<row> rows;
  std::vector<memory_row> memory;  ///< one per boundary, from the lowest planned on; empty before prepare()

  friend std::ostream& operator<<(std::ostream& out, const summary& s) {
    out << "backend " << s.backend << " (" << s.instructions << "; " << s.arithmetic << "), threads " << s.threads
        << ", scalar " << 8 * s.scalar_bytes << " bit\ninput " << s.input << ", stages " << s.stages
        << ", highest boundary " << s.highest_boundary << "\n\n";
    std::vector<std::vector<std::string>> layers{
        {"#", "stage", "layer", "rule", "output", "parameters", "multiply-adds"}};
    std::size_t parameters = 0;
    std::size_t work = 0;
    for (const row& r : s.rows) {
      parameters += r.parameters;
      work += r.multiply_adds;
      layers.push_back({text(layers.size() - 1), text(r.stage), r.name, r.rule, text(r.out), text(r.parameters),
                        text(r.multiply_adds)});
    }
    layers.push_back({"total", "", "", "", "", text(parameters), text(work)});
    print_table(out, layers, 5);
    out << "\nparameters " << s.parameter_bytes << " bytes, rule state " << s.rule_state_bytes << " bytes";
    if (s.error_rows > 0) {
      out << " (" << s.error_rows * s.error_row_bytes << " of them one row of output errors for each of "
          << s.error_rows << " samples)";
    }
    out << '\n';
    if (s.memory.empty()) return out;
    out << "\nbytes of one step, batch " << s.batch << " (each column at its own worst moment)\n";
    std::vector<std::vector<std::string>> plans{
        {"boundary", "activations", "gradients", "scratch", "arena", "per optimizer array"}};
    for (const memory_row& m : s.memory) {
      plans.push_back({text(m.boundary), text(m.activations), text(m.gradients), text(m.scratch), text(m.arena),
                       text(m.optimizer_arrays)});
    }
    print_table(out, plans, 1);
    return out;
  }

 private:
  /// Prints a table with at least two blanks between columns. The first `left` columns are aligned to the left.
  static void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows, std::size_t left) {
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& cells : rows) {
      for (std::size_t c = 0; c < widths.size(); ++c) widths[c] = (std::max)(widths[c], cells[c].size());
    }
    for (const auto& cells : rows) {
      for (std::size_t c = 0; c < widths.size(); ++c) {
        const std::string fill(widths[c] - cells[c].size(), ' ');
        out << (c == 0 ? "" : "  ") << (c < left ? cells[c] + fill : fill + cells[c]);
      }
      out << '\n';
    }
  }
};

namespace detail {

/// Describes a model without the memory of a step. `error_rows` is summary::error_rows.
template <class Network, class Backend>
[[gnu::cold]] summary describe_model(const Backend& backend, std::size_t error_rows) {
  using scalar = typename Backend::scalar;
  summary s;
  s.backend = Backend::name;
  s.instructions = Backend::instructions();
  s.arithmetic = backend.arithmetic();
  s.threads = backend.threads();
  s.scalar_bytes = sizeof(scalar);
  s.input = Network::input;
  s.stages = Network::stages;
  s.highest_boundary = Network::highest_boundary;
  const memory_counters in_use = backend.counters().snapshot();
  s.parameter_bytes = in_use.held(memory_kind::parameters);
  s.rule_state_bytes = in_use.held(memory_kind::rule_state);
  s.error_rows = error_rows;
  s.error_row_bytes = Network::output.size() * sizeof(scalar);
  for (const operation& op : Network::program.operations) {
    s.rows.push_back({op.name, op.rule, op.stage, op.out, op.parameters,
                      op.trainable() ? op.map().rows(1) * op.map().weights() : 0});
  }
  return s;
}

/// Adds the memory of a step at each boundary of a request. There is one plan per boundary, from the lowest on, and one
/// for predictions. `staging` is the number of bytes in the arena after each plan.
inline void add_memory(summary& s, std::span<const operation> program, const memory_request& request,
                       std::span<const plan> plans, std::size_t staging) {
  s.batch = request.batch;
  for (std::size_t k = 0; k + 1 < plans.size(); ++k) {
    const plan& p = plans[k];
    const std::size_t boundary = request.lowest_boundary + k;
    std::size_t parameters = 0;
    for (const operation& op : program) {
      parameters += op.stage >= boundary || request.part_samples > 0 ? op.parameters : 0;
    }
    s.memory.push_back({boundary, p.activation_bytes, p.gradient_bytes, p.scratch_bytes, p.bytes + staging,
                        parameters * s.scalar_bytes});
  }
}

}  // namespace detail

}  // namespace localis
