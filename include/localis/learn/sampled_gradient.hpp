#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <localis/backend/concept.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/gate.hpp>
#include <localis/kernel/update.hpp>
#include <localis/learn/local_update.hpp>
#include <localis/rule/policy.hpp>

namespace localis {

/// A layer without a local rule whose weight gradient is taken from some rows of X (rule::local<rule::gradient,
/// rule::sampled_rows>). It learns by gradient alone.
template <class Backend>
class local_update<Backend, rule::local<rule::gradient, rule::sampled_rows>> {
 public:
  using scalar = typename Backend::scalar;
  static constexpr bool pools = true;

  rule::local<rule::gradient, rule::sampled_rows> values{};

  local_update(Backend&, const operation&) {}

  /// Begins a step, whose backward pass has the rows of its number.
  void begin_step(const step_values<scalar>& step) {
    seed_ = step.seed;
    step_ = step.step;
  }

  template <class Map>
  [[gnu::cold]] static void take_scratch(const Backend& backend, const Map& map, std::size_t samples,
                                         workspace& scratch) {
    workspace largest = scratch;
    backend.weight_gradient_scratch(map, samples, largest);
    (void)scratch.take<scalar>(map.outputs());
    backend.learn_scratch(map, samples, learning({0, 2}), scratch);
    if (largest.used() > scratch.used()) scratch = largest;
  }

  /// Computes the gradients of the weights and, if it is not null, of the bias.
  template <class Map>
  void weight_gradient(Backend& backend, const Map& map, const operands<scalar>& arrays, const scalar* weight,
                       scalar* dw, scalar* db) const {
    const row_sample all = detail::draw_rows(values.rows, map, arrays.all_samples(), seed_, step_);
    if (all.every == 1) {
      backend.weight_gradient(
          map, {.samples = arrays.samples, .x = arrays.input, .d = arrays.output_gradient, .dw = dw, .db = db},
          workspace(arrays.scratch));
      return;
    }
    workspace scratch(arrays.scratch);
    auto* units = scratch.take<scalar>(map.outputs());
    if (db != nullptr) units = db;
    backend.respond_and_learn(map,
                              {.samples = arrays.samples, .x = arrays.input, .w = weight, .u = arrays.output_gradient},
                              learning_arguments<scalar, kernel::error_gate<scalar>>{
                                  .gate = {},
                                  .options = learning(detail::rows_of_rank(all, map, arrays.whole)),
                                  .sums = {.sum = dw, .unit = units}},
                              scratch);
    // A row is taken with the probability 1 / scale.
    const std::size_t rows = map.rows(arrays.all_samples());
    const auto scale = static_cast<scalar>((std::min)(all.every, rows));
    backend.for_rows(map.outputs(), map.inputs(), kernel::scaled<scalar>{dw, dw, scale, map.inputs()});
    if (db != nullptr) backend.for_rows(1, map.outputs(), kernel::scaled<scalar>{db, db, scale});
  }

 private:
  /// D takes the place of the response.
  static learn_options learning(const row_sample& rows) {
    learn_options options;
    options.response_is_given = true;
    options.rows = rows;
    return options;
  }

  std::uint64_t seed_ = 0;
  std::uint64_t step_ = 0;
};

}  // namespace localis
