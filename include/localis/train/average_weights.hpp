#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/finite.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/operation.hpp>
#include <localis/kernel/parameter_arrays.hpp>

namespace localis {

struct average_options {
  double decay = 0.999;  ///< per update; the average remembers about 1 / (1 - decay) updates
};

/// An exponential moving average of a model's weights and running statistics, in the backend's memory:
///
///   a <- decay a + (1 - decay) w,   which starts at the weights that the model has when the object is made
///
///   average_weights average{model, {.decay = 0.99}};
///   trainer.on_pause(1, std::ref(average));      // an update after each step
///   trainer.fit(train);
///   average.swap();                              // now the model predicts with the average; a second swap() undoes it
///
/// On a GPU a pause waits for the device: update after every n-th step there, with decay^n.
/// Cost:   one pass over all weights per update. State: one more copy of all of them.
/// Errors: config_error unless decay is in [0, 1).
template <class Model>
class average_weights {
 public:
  using scalar = typename Model::scalar;

  /// The model is held by reference and must outlive this object.
  [[gnu::cold]] explicit average_weights(Model& averaged, const average_options& options = {})
      : model_(averaged), decay_(options.decay) {
    expect(is_finite(decay_) && decay_ >= 0 && decay_ < 1, "average_weights: decay", "a number in [0, 1)", decay_);
    model_.for_each_parameter([&](const operation&, const parameter<scalar>& p) {
      averages_.push_back(model_.backend().template allocate<scalar>(memory_kind::optimizer_state, p.size()));
      model_.backend().copy(p.value, p.size(), averages_.back().data());
    });
  }

  /// Moves the average towards the present weights.
  void update() {
    for_each([&](const parameter<scalar>& p, scalar* average) {
      model_.backend().for_rows(
          p.rows, p.columns, kernel::add_to_mean<scalar>{p.value, average, p.columns, static_cast<scalar>(1 - decay_)});
    });
  }
  void operator()() { update(); }

  /// Exchanges the average and the weights of the model.
  void swap() {
    for_each([&](const parameter<scalar>& p, scalar* average) {
      model_.backend().for_rows(p.rows, p.columns, kernel::exchange<scalar>{p.value, average, p.columns});
    });
  }

  /// The averages, in the order of model::for_each_parameter(), in the backend's memory.
  [[nodiscard]] std::span<const scalar> average(std::size_t index) const {
    return {averages_[index].data(), averages_[index].size()};
  }

 private:
  template <class F>
  void for_each(const F& f) {
    std::size_t index = 0;
    model_.for_each_parameter([&](const operation&, const parameter<scalar>& p) { f(p, averages_[index++].data()); });
  }

  Model& model_;
  double decay_;
  std::vector<typename Model::backend_type::template array<scalar>> averages_;
};

template <class M>
average_weights(M&) -> average_weights<M>;
template <class M>
average_weights(M&, average_options) -> average_weights<M>;

}  // namespace localis
