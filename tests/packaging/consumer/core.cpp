// What a lab might start with: the core here, each component in a second file.
#include <cmath>
#include <cstdio>
#include <functional>
#include <vector>

#include <localis/data/augment.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/localis.hpp>

namespace lo = localis;

using net = lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::rule::oja>, lo::relu, lo::dense<3>>;

double components();

static double train() {
  const auto data = lo::data::synthetic_images(64, 8, 8, 1, 3, 1, 0.5);
  const lo::data::augmented varied(
      data, lo::data::augmentation{.flip = true, .normalize = lo::data::channel_statistics(data)});
  const lo::data::mixup mixed(data);
  lo::model<net> model{{.seed = 1}};
  lo::trainer trainer{
      model, lo::scheduler::dynamic{}, lo::supervision::loss_gain{}, {.epochs = 1, .batch = 16, .local_rate = 1e-3}};
  trainer.on_epoch(lo::io::csv_log("epochs.csv"));
  trainer.on_epoch(lo::early_stopping{trainer, {.patience = 2}});
  lo::average_weights average{model, {.decay = 0.9}};
  trainer.on_pause(1, std::ref(average));
  trainer.descent().clip_norm(5);
  const lo::gradient_descent own{model, lo::optimizer::adamw{}};
  const lo::update_diagnostics diagnostics{model, {0}};
  return trainer.fit(varied, data).epochs.back().loss;
}

int main() {
  lo::model<net> model{{.seed = 1}};
  model.prepare({.batch = 2});
  std::vector<float> features(2 * 64);
  for (std::size_t i = 0; i < features.size(); ++i) features[i] = static_cast<float>(i % 7) / 7;
  const std::vector<std::uint32_t> labels{0, 2};
  model.forward(features, 2, {.boundary = 1, .local_rate = 1e-3});
  const double loss = model.loss(lo::loss::softmax_cross_entropy{}, labels);
  model.backward();
  std::printf("localis %d.%d.%d: loss %g, trained %g, components %g\n", LOCALIS_VERSION_MAJOR, LOCALIS_VERSION_MINOR,
              LOCALIS_VERSION_PATCH, loss, train(), components());
  return std::isfinite(loss) ? 0 : 1;
}
