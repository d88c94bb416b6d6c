// Pictures that change: a network has learned CIFAR-10 by gradient, and then gets a stream of pictures without labels
// that become noisier, more blurred or paler. Its first stages go on learning by a local rule, or use the statistics of
// each batch, or are frozen. shift --help lists the options.

#include "shift.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "cifar_parts.hpp"
#include "copy_parameters.hpp"
#include "fresh_model.hpp"
#include "report/format.hpp"
#include "seed_table.hpp"
#include "typed_settings.hpp"

#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using examples::setting_options;

namespace {

constexpr std::size_t side = 32, channels = 3, size = side * side * channels;
constexpr std::size_t batch = 100;
constexpr std::size_t severities = 5;
constexpr double rates[] = {1e-6, 1e-5, 1e-4};  // of the rules, of which each takes its best on validation pictures

constexpr const char* changes[] = {"noise", "blur", "contrast"};
constexpr const char* ways[] = {"frozen", "running statistics", "statistics of each batch", "oja", "soft_hebb"};
/// The statistics of the ways that do not learn, which come first.
constexpr lo::prefix_normalization statistics[] = {lo::prefix_normalization::frozen, lo::prefix_normalization::running,
                                                   lo::prefix_normalization::batch};

template <class Rule>
using network = lo::model<lo::zoo::six_stages_32<10, lo::rule::local<Rule, lo::rule::relative_step>>>;
using trained_network = network<lo::rule::oja>;

/// The mean of the 3 x 3 pixels around each, as far as they are in the picture.
void blur(std::span<float> picture) {
  const std::vector<float> old(picture.begin(), picture.end());
  for (std::size_t y = 0; y < side; ++y) {
    for (std::size_t x = 0; x < side; ++x) {
      for (std::size_t c = 0; c < channels; ++c) {
        float sum = 0;
        float count = 0;
        for (std::size_t v = y - (y > 0 ? 1 : 0); v < std::min(side, y + 2); ++v) {
          for (std::size_t u = x - (x > 0 ? 1 : 0); u < std::min(side, x + 2); ++u) {
            sum += old[(v * side + u) * channels + c];
            ++count;
          }
        }
        picture[(y * side + x) * channels + c] = sum / count;
      }
    }
  }
}

/// Changes a normalized picture; a deviation of 1 is that of the data.
void change(std::span<float> picture, const std::string& kind, std::size_t severity, const lo::random_stream& random) {
  if (kind == "blur") {
    for (std::size_t i = 0; i < severity; ++i) blur(picture);
  } else if (kind == "noise") {
    const double deviation = 0.2 * static_cast<double>(severity);
    for (std::size_t i = 0; i < size; ++i) picture[i] += static_cast<float>(deviation * random.normal(i));
  } else {
    const float factor = 1 - 0.18F * static_cast<float>(severity);
    for (float& value : picture) value *= factor;
  }
}

/// The accuracy on a stream of pictures whose severity rises, each predicted before the network learns from it. The
/// weights and statistics of the model change.
template <class Model>
double stream(Model& model, const lo::data::any& pictures, const std::string& kind, double local_rate,
              lo::prefix_normalization normalization) {
  constexpr std::size_t boundary = Model::network_type::highest_boundary;
  model.prepare({.batch = batch, .lowest_boundary = boundary, .normalization = normalization});
  std::vector<float> features(batch * size);
  std::vector<std::uint32_t> labels(batch);
  std::size_t correct = 0;
  const std::size_t steps = pictures.size() / batch;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t severity = 1 + step * severities / steps;
    for (std::size_t i = 0; i < batch; ++i) {
      const std::size_t index = step * batch + i;
      const auto picture = std::span(features).subspan(i * size, size);
      labels[i] = pictures.read(index, picture);
      change(picture, kind, severity, lo::random_stream(5, index));
    }
    model.forward(features, batch,
                  {.boundary = boundary, .local_rate = local_rate, .normalization = normalization, .step = step});
    correct += model.correct(labels);
  }
  return static_cast<double>(correct) / static_cast<double>(steps * batch);
}

/// A model with the parameters of another network of the same layers, without dropout.
template <class Model>
Model copy_of(const trained_network& trained, const lo::cpu::backend<float>& backend) {
  Model model = examples::fresh_model<Model>(backend, 1);
  examples::copy_parameters(trained, model);
  model.for_each_layer([](const lo::operation&, auto& layer) {
    if constexpr (requires { layer.rate = 0.0; }) layer.rate = 0.0;
  });
  return model;
}

template <class Model>
double learning(const trained_network& trained, const examples::cifar_parts& data, const std::string& kind,
                const lo::cpu::backend<float>& backend) {
  const auto run = [&](const lo::data::any& pictures, double rate) {
    Model model = copy_of<Model>(trained, backend);
    return stream(model, pictures, kind, rate, lo::prefix_normalization::batch);
  };
  double best = -1;
  double chosen = 0;
  for (const double rate : rates) {
    const double accuracy = run(data.validation, rate);
    if (accuracy > best) chosen = rate;
    best = std::max(best, accuracy);
  }
  return run(data.test, chosen);
}

int compare(const setting_options& chosen) {
  const std::vector<std::uint64_t> seeds = examples::parse_seeds(chosen.seeds);
  const examples::cifar_parts data = examples::read_cifar_parts(chosen.data, chosen.pictures);
  const std::string facts =
      lo::text("CIFAR-10, six stages, ", examples::grouped(data.train.size()), " training pictures, ", chosen.epochs,
               " epochs of gradient descent; then 10,000 test pictures without labels, in batches of ", batch,
               ", whose noise, blur or loss of contrast rises in ", severities,
               " steps. Each picture is predicted before the network learns from it. The local rate of a rule is the "
               "best of three on 5,000 other pictures.");
  examples::seed_table found(chosen, "Pictures that change", facts, {std::begin(ways), std::end(ways)},
                             {std::begin(changes), std::end(changes)});
  const lo::cpu::backend<float> backend{{.threads = chosen.threads}};
  for (const std::uint64_t seed : seeds) {
    if (found.has(seed)) continue;
    trained_network trained = examples::fresh_model<trained_network>(backend, seed);
    lo::trainer trainer(trained, lo::scheduler::fixed{0}, lo::supervision::none{},
                        {.epochs = chosen.epochs, .batch = 64, .seed = seed},
                        lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4},
                        lo::learning_rate::warm_up{lo::learning_rate::cosine{.rate = 0.05}, 0.5, 0.1});
    trainer.fit(data.train);
    std::cout << "seed " << seed << ": " << examples::percent(lo::evaluate(trained, data.test).accuracy)
              << " % on pictures as they are" << std::endl;
    for (const std::string kind : changes) {
      for (std::size_t i = 0; i < std::size(statistics); ++i) {
        auto model = copy_of<trained_network>(trained, backend);
        found.set(ways[i], kind, seed, stream(model, data.test, kind, 0, statistics[i]));
      }
      found.set(ways[3], kind, seed, learning<network<lo::rule::oja>>(trained, data, kind, backend));
      found.set(ways[4], kind, seed, learning<network<lo::rule::soft_hebb>>(trained, data, kind, backend));
    }
  }
  found.report();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::shift(argc, argv, compare); }
