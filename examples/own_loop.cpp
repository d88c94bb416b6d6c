// A training loop without a trainer: it calls forward, loss, backward and step itself, with a boundary that a scheduler
// moves. A trainer does the same and adds checks, reports, callbacks and checkpoints. The program trains for seconds on
// the embedded digits.

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "digits.hpp"
#include "lab/report/exit_status.hpp"

#include <localis/localis.hpp>

namespace lo = localis;

using rule = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;
// clang-format off
using net = lo::network<lo::image<28, 28, 1>,
    lo::conv2d<16, 5, lo::stride<2>, rule>, lo::batch_norm, lo::relu,
    lo::conv2d<32, 3, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::dense<10>>;
// clang-format on
using model_type = lo::model<net>;

int main() {
  constexpr std::size_t epochs = 6;
  constexpr std::size_t batch = 32;
  constexpr double local_rate = 1e-5;
  constexpr lo::loss::softmax_cross_entropy loss{};
  const lo::data::images digits = examples::digits();
  const auto parts = lo::data::split(digits, lo::data::validation_count{397}, 1);
  lo::data::loader<float, lo::data::subset<lo::data::images>> loader(parts.train, batch, 1);

  // The boundary moves from 0, where all stages learn by gradient, to the last stage, which always learns by gradient.
  lo::scheduler::linear scheduler{.begin = 1, .end = 4};
  scheduler.start({.stages = model_type::stages,
                   .highest = net::highest_boundary,
                   .epochs = epochs,
                   .steps_per_epoch = loader.steps()});

  model_type model{{.seed = 1}};
  model.prepare({.batch = batch});  // allocates the memory of the passes
  lo::gradient_descent descent{model, lo::optimizer::sgd{.momentum = 0.9}};
  const lo::learning_rate::cosine rate{.rate = 0.02};

  std::uint64_t step_count = 0;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    double loss_sum = 0;
    std::size_t correct = 0;
    for (std::size_t step = 0; step < loader.steps(); ++step) {
      const lo::data::batch_view<float> data = loader.get(epoch, step);
      // Stages before the boundary learn here, by their rules; backward() stops at the boundary.
      model.forward(data.features, data.size,
                    {.boundary = scheduler.boundary(epoch, step), .local_rate = local_rate, .step = step_count++});
      loss_sum += model.loss(loss, data.labels) * static_cast<double>(data.size);
      correct += model.correct(data.labels);
      model.backward();
      const double progress = static_cast<double>(step) / static_cast<double>(loader.steps());
      descent.step(rate(static_cast<double>(epoch) + progress, epochs));
    }
    const auto samples = static_cast<double>(parts.train.size());
    std::printf("epoch %zu: boundary %zu, loss %.4f, training accuracy %.2f %%, held-out accuracy %.2f %%\n", epoch + 1,
                scheduler.boundary(epoch, 0), loss_sum / samples, 100 * static_cast<double>(correct) / samples,
                100 * lo::evaluate(model, parts.validation).accuracy);
  }
  return examples::exit_status("own_loop");
}
