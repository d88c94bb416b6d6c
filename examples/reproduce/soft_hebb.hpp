#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "../lab/copy_parameters.hpp"

#include <localis/localis.hpp>

/// The network of SoftHebb (A. Journe, H. Garcia Rodriguez, Q. Guo, T. Moraitis, Hebbian deep learning without
/// feedback, ICLR 2023) and a linear classifier of its features.
///
/// The values are those of the authors' published program. What differs here: convolutions pad with zeros, which are
/// the mean behind batch normalization, where theirs reflect the picture; and the rate of a unit follows from its norm
/// before the step, where theirs is one step old.
namespace examples::soft_hebb {

using rule = localis::rule::local<localis::rule::soft_hebb, localis::rule::max_abs_step, localis::rule::unguarded>;

// clang-format off
/// Three convolutions of Units, 4 Units and 16 Units channels; 96 in the paper.
template <std::size_t Units, class Rule, class... Readout>
using network = localis::network<localis::image<32, 32, 3>,
    localis::batch_norm, localis::conv2d<Units, 5, localis::padding<2>, localis::no_bias, Rule>, localis::triangle,
    localis::max_pool2d<4, localis::stride<2>, localis::padding<1>>,
    localis::batch_norm, localis::conv2d<4 * Units, 3, localis::padding<1>, localis::no_bias, Rule>, localis::triangle,
    localis::max_pool2d<4, localis::stride<2>, localis::padding<1>>,
    localis::batch_norm, localis::conv2d<16 * Units, 3, localis::padding<1>, localis::no_bias, Rule>, localis::triangle,
    localis::average_pool2d<2>, Readout...>;
// clang-format on

/// The network with a classifier: a stage can lie before the boundary only if there is one behind it.
template <std::size_t Units, class Rule = rule>
using learner = localis::model<network<Units, Rule, localis::dropout, localis::dense<10>>>;
/// The network alone, whose output are the features.
template <std::size_t Units>
using extractor = localis::model<network<Units, localis::rule::gradient>>;

/// The places of the convolutions among the layers of the network.
inline constexpr std::size_t places[] = {1, 5, 9};

/// Sets the powers of the activations, which the convolutions' inputs depend on.
template <class Model>
void set_powers(Model& model) {
  model.template layer<places[0] + 1>().power = 0.7;
  model.template layer<places[1] + 1>().power = 1.4;
  model.template layer<places[2] + 1>().power = 1;
}

/// Draws the weights of the convolutions, with rows of a norm of about 25: far from 1, at which the rate of a unit is
/// 0.
template <class Model>
void draw_weights(Model& model, std::uint64_t seed) {
  const auto draw = [&]<std::size_t Place>() {
    std::span<float> weight = model.template layer<Place>().weight();
    const std::size_t inputs = model.operations()[Place].map().inputs();
    const double deviation = 25 / std::sqrt(static_cast<double>(inputs));
    const localis::random_stream random(seed, Place);
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(deviation * random.normal(i));
  };
  draw.template operator()<places[0]>();
  draw.template operator()<places[1]>();
  draw.template operator()<places[2]>();
}

/// Sets the rates and the sharpness of SoftHebb in each convolution.
template <std::size_t Units>
void set_rates(learner<Units>& model) {
  const auto set = [&]<std::size_t Place>(double rate, double sharpness) {
    auto& layer = model.template layer<Place>();
    layer.local().step.scale = rate;
    layer.rule() = {.sharpness = sharpness, .rate_power = 0.5};
  };
  set.template operator()<places[0]>(0.08, 1);
  set.template operator()<places[1]>(0.005, 0.65);
  set.template operator()<places[2]>(0.01, 0.25);
}

/// Lets all convolutions learn together in one pass over pictures without labels. Returns the seconds.
/// @param rate  factor on the rates of the convolutions; at 1e-30 the weights stay, and the running statistics of
///              normalization become those of the pictures
template <class Model, class Data>
double learn(Model& model, const Data& pictures, double rate, std::uint64_t seed) {
  localis::trainer trainer(model, localis::scheduler::fixed{3}, localis::supervision::none{},
                           {.epochs = 1,
                            .batch = 10,
                            .local_rate = rate,
                            .normalization = localis::prefix_normalization::batch,
                            .seed = seed});
  return trainer.learn_locally(pictures).seconds;
}

/// The network after one pass over pictures without labels. @param rate  see learn
template <std::size_t Units, class Rule, class Data>
[[nodiscard]] learner<Units, Rule> learned(double rate, const Data& pictures, std::uint64_t seed,
                                           const localis::cpu::backend<float>& backend) {
  learner<Units, Rule> model{{.seed = seed}, backend};
  draw_weights(model, seed);
  set_powers(model);
  if constexpr (std::is_same_v<Rule, rule>) set_rates<Units>(model);
  (void)learn(model, pictures, rate, seed);
  return model;
}

struct samples {
  std::vector<float> features;
  std::vector<std::uint32_t> labels;
  std::size_t length = 0;  ///< number of features of a sample

  [[nodiscard]] localis::data::arrays data() const { return {localis::shape{1, 1, length}, features, labels, 10}; }
};

/// The features of all pictures.
template <std::size_t Units, class Model, class Data>
[[nodiscard]] samples features_of(const Model& trained, const Data& pictures) {
  using alone = extractor<Units>;
  alone model{{}, trained.backend()};
  set_powers(model);
  copy_parameters(trained, model);
  constexpr std::size_t batch = 250;
  constexpr std::size_t inputs = alone::network_type::input.size();
  samples all{.features = {}, .labels = {}, .length = alone::outputs};
  all.features.reserve(pictures.size() * alone::outputs);
  std::vector<float> pixels(batch * inputs);
  for (std::size_t first = 0; first < pictures.size(); first += batch) {
    const std::size_t count = std::min(batch, pictures.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      all.labels.push_back(pictures.read(first + i, std::span(pixels).subspan(i * inputs, inputs)));
    }
    const std::vector<float> found = model.predict(std::span(pixels).first(count * inputs), count);
    all.features.insert(all.features.end(), found.begin(), found.end());
  }
  return all;
}

/// What a linear classifier of the features has learned, and at what cost.
struct classified {
  double accuracy = 0;  ///< on the test samples
  localis::report report{};
};

/// Trains a linear classifier of the features.
template <std::size_t Units, class Backend>
[[nodiscard]] classified classify(const samples& train, const samples& test, std::size_t epochs, std::uint64_t seed,
                                  const Backend& backend) {
  using net = localis::network<localis::vector_input<extractor<Units>::outputs>, localis::dropout, localis::dense<10>>;
  localis::model<net> model{{.seed = seed}, backend};
  const auto halved = [](double epoch, double length) {
    double rate = 1e-3;
    for (const double part : {0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9}) rate *= epoch >= std::floor(part * length) ? 0.5 : 1;
    return rate;
  };
  localis::trainer trainer(model, localis::scheduler::fixed{0}, localis::supervision::none{},
                           {.epochs = epochs, .batch = 64, .seed = seed}, localis::optimizer::adam{}, halved);
  trainer.fit(train.data());
  return {localis::evaluate(model, test.data()).accuracy, trainer.report()};
}

}  // namespace examples::soft_hebb
