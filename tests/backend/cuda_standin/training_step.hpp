#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/model.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/gradient_descent.hpp>
#include <localis/train/step_pipeline.hpp>

namespace localis_test {

namespace lo = localis;

/// A step of `Net` as the trainer makes it.
template <class Net, class Backend>
class training_step {
 public:
  /// @param local_rate  0: the prefix is frozen
  training_step(Backend backend, std::size_t batch, double local_rate)
      : batch_(batch),
        local_rate_(local_rate),
        x_(batch * Net::input.size(), 0.5F),
        labels_(batch, 1),
        model_({}, std::move(backend)),
        descent_(model_, lo::optimizer::sgd{.momentum = 0.9}),
        log_(model_, descent_),
        run_step_(model_.backend().make_step_runner()) {
    log_.start();
    model_.prepare({.batch = batch});
  }

  void operator()(std::size_t boundary) {
    run_step_(boundary, batch_, [&] {
      log_.open({});
      model_.forward(x_, batch_, {.boundary = boundary, .local_rate = local_rate_, .gains_are_set = true});
      model_.compute_loss_async(lo::loss::softmax_cross_entropy{}, labels_);
      log_.close_forward(batch_);
      model_.backward();
      descent_.step(0.1);
      log_.close_step({}, descent_);
    });
  }

 private:
  using model = lo::model<Net, Backend>;

  std::size_t batch_;
  double local_rate_;
  std::vector<float> x_;
  std::vector<std::uint32_t> labels_;
  model model_;
  lo::gradient_descent<model, lo::optimizer::sgd> descent_;
  lo::step_pipeline<model, lo::supervision::loss_gain> log_;
  decltype(std::declval<const Backend&>().make_step_runner()) run_step_;
};

}  // namespace localis_test
