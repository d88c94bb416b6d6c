// Few labels: of all pictures of CIFAR-10 or Fashion-MNIST, some hundred or thousand are labelled. Rules that need no
// labels learn features from all pictures, and a linear classifier of them learns from those with labels, or gradient
// descent goes on from them; the baselines are random features, and gradient descent on the labelled pictures alone, in
// a small network and in that of the rules. few_labels --help lists the options.

#include "few_labels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "../reproduce/soft_hebb.hpp"
#include "copy_parameters.hpp"
#include "fresh_model.hpp"
#include "report/format.hpp"
#include "seed_table.hpp"
#include "typed_settings.hpp"

#include <localis/data/gzip.hpp>
#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using lo::data::any;

namespace {

constexpr std::size_t units = 48;  // of the first convolution: half of the paper's
using sanger = lo::rule::local<lo::rule::sanger, lo::rule::relative_step, lo::rule::unit_rows>;
using network = lo::model<lo::zoo::six_stages_32<10, lo::rule::local<lo::rule::oja>>>;  // whose rule takes no step
using wide_network = examples::soft_hebb::learner<units, lo::rule::gradient>;

using examples::few_labels_options;

constexpr const char* arms[] = {"random features", "principal components", "soft_hebb",          "sgd",
                                "frozen",          "sgd (wide)",           "soft_hebb, then sgd"};
// Of gradient descent, which takes the first seed's best.
template <class Model>
constexpr double rates[] = {0.02, 0.05, 0.1};
template <>
constexpr double rates<wide_network>[] = {0.002, 0.005, 0.02};

/// The grey pictures of 28 x 28 pixels of other data as coloured ones of 32 x 32, with a border of 0.
struct enlarged {
  static constexpr std::size_t side = 28;
  static constexpr std::size_t border = 2;
  any grey;

  [[nodiscard]] std::size_t size() const { return grey.size(); }
  [[nodiscard]] static std::size_t height() { return side + 2 * border; }
  [[nodiscard]] static std::size_t width() { return side + 2 * border; }
  [[nodiscard]] static std::size_t channels() { return 3; }
  [[nodiscard]] std::size_t classes() const { return grey.classes(); }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    std::array<float, side * side> pixels{};
    const std::uint32_t label = grey.read(index, pixels);
    std::fill(features.begin(), features.end(), 0.0F);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const std::size_t place = (i / side + border) * width() + i % side + border;
      std::fill_n(features.begin() + static_cast<std::ptrdiff_t>(3 * place), 3, pixels[i]);
    }
    return label;
  }
};

struct named_pictures {
  const char* name;
  any train;
  any test;
};
named_pictures read_pictures(const std::filesystem::path& folder) {
  const auto files_of = [&](const char* name, auto&& parts) {
    return named_pictures{name, any(std::move(parts.train)), any(std::move(parts.test))};
  };
  const auto has = [&](const char* file) {
    std::error_code ignored;
    return std::filesystem::exists(folder / file, ignored);
  };
  if (!has("train-images-idx3-ubyte") && !has("train-images-idx3-ubyte.gz")) {
    return files_of("CIFAR-10", lo::data::cifar10(folder));
  }
  named_pictures fashion = files_of("Fashion-MNIST", lo::data::fashion_mnist(folder));
  fashion.train = any(enlarged{std::move(fashion.train)});
  fashion.test = any(enlarged{std::move(fashion.test)});
  return fashion;
}

struct split {
  any train;       ///< whose labels only some arms see, and few of them
  any validation;  ///< chooses the rates of gradient descent
  any test;
};

using examples::seed_table;

/// The column of a number of labels.
std::string column_of(std::size_t count) { return std::to_string(count) + " labels"; }

/// The first `count` samples of each class in equal parts, in an order that depends on the seed.
std::vector<std::uint32_t> balanced(const any& all, std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> left(10, count / 10);
  std::vector<std::uint32_t> chosen;
  std::vector<float> picture(lo::data::shape_of(all).size());
  for (const std::uint32_t index : lo::permutation(lo::random_stream(seed, 77), all.size())) {
    std::size_t& wanted = left[all.read(index, picture)];
    if (wanted == 0) continue;
    --wanted;
    chosen.push_back(index);
    if (chosen.size() == count) break;
  }
  return chosen;
}

using varied_pictures = lo::data::augmented<lo::data::subset<any>>;

/// The labelled pictures, cropped and mirrored at random.
struct labelled_pictures {
  lo::data::subset<any> pictures;
  varied_pictures varied;

  labelled_pictures(const any& all, std::size_t count, std::uint64_t seed)
      : pictures(all, balanced(all, count, seed)), varied(pictures, {.padding = 4, .flip = true, .seed = seed}) {}
  labelled_pictures(const labelled_pictures&) = delete;
  labelled_pictures& operator=(const labelled_pictures&) = delete;
};

/// The pictures of several epochs, one after the other.
struct pictures_of_epochs {
  const varied_pictures& pictures;
  std::size_t epochs;

  [[nodiscard]] std::size_t size() const { return pictures.size() * epochs; }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    return pictures.read(index % pictures.size(), index / pictures.size(), features);
  }
};

/// Features from all pictures, and a classifier of them for each number of labels.
template <class Rule>
void run_features(const char* arm, double rate, const split& data, const std::vector<std::size_t>& counts,
                  std::uint64_t seed, const few_labels_options& chosen, const lo::cpu::backend<float>& backend,
                  seed_table& found) {
  namespace soft_hebb = examples::soft_hebb;
  if (found.has(arm, seed)) return;
  const auto model = soft_hebb::learned<units, Rule>(rate, data.train, seed, backend);
  const auto test = soft_hebb::features_of<units>(model, data.test);
  for (const std::size_t count : counts) {
    const labelled_pictures labelled(data.train, count, seed);
    const std::size_t copies = std::max<std::size_t>(1, chosen.variants / count);
    const auto train = soft_hebb::features_of<units>(model, pictures_of_epochs{labelled.varied, copies});
    found.set(arm, column_of(count), seed,
              soft_hebb::classify<units>(train, test, chosen.epochs, seed, backend).accuracy);
  }
}

/// Copies the weights of the convolutions, scaled to the norms of the random ones: nothing normalizes the last
/// response, and gradient descent diverges from larger ones.
template <class Source>
void take_features(const Source& source, wide_network& model) {
  std::vector<double> norms;
  const auto each_convolution = [&model](const auto& act) {
    act(model.layer<examples::soft_hebb::places[0]>().weight());
    act(model.layer<examples::soft_hebb::places[1]>().weight());
    act(model.layer<examples::soft_hebb::places[2]>().weight());
  };
  const auto norm_of = [](std::span<const float> weight) {
    return std::sqrt(std::inner_product(weight.begin(), weight.end(), weight.begin(), 0.0));
  };
  each_convolution([&](std::span<float> weight) { norms.push_back(norm_of(weight)); });
  examples::copy_parameters(source, model);
  std::size_t next = 0;
  each_convolution([&](std::span<float> weight) {
    const auto factor = static_cast<float>(norms[next++] / norm_of(weight));
    for (float& w : weight) w *= factor;
  });
}

template <class Model>
Model fresh(const lo::cpu::backend<float>& backend, std::uint64_t seed) {
  if constexpr (std::is_same_v<Model, network>) {
    return examples::fresh_model<network>(backend, seed);
  } else {
    Model model{{.seed = seed}, backend};
    examples::soft_hebb::set_powers(model);
    return model;
  }
}

/// Gradient descent on the labelled pictures, cropped and mirrored at random.
/// Where no rate is chosen yet, this seed chooses it, on the validation pictures. A run that diverges counts as chance.
/// @param start  sets the weights from which it starts
template <class Model, class Start>
void run_gradient(const char* arm, bool freezes, std::size_t steps, const split& data, std::size_t count,
                  std::uint64_t seed, const lo::cpu::backend<float>& backend, seed_table& found, const Start& start) {
  const std::string column = column_of(count);
  if (found.has(arm, column, seed)) return;
  constexpr std::size_t batch = 50;
  const std::size_t epochs = std::max<std::size_t>(1, steps * batch / count);
  const auto accuracy = [&](double rate, const any& pictures) {
    const labelled_pictures labelled(data.train, count, seed);
    Model model = fresh<Model>(backend, seed);
    start(model);
    lo::trainer trainer(
        model, lo::scheduler::linear{.begin = epochs / 3, .last = freezes ? Model::network_type::highest_boundary : 0},
        lo::supervision::none{}, {.epochs = epochs, .batch = batch, .local_rate = 0, .seed = seed},
        lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4},
        lo::learning_rate::warm_up{lo::learning_rate::cosine{.rate = rate}, 1.0, 0.1});
    try {
      trainer.fit(labelled.varied);
    } catch (const lo::divergence_error&) {
      return 0.1;
    }
    return lo::evaluate(model, pictures).accuracy;
  };
  const double rate =
      found.choose(arm, column, rates<Model>, [&](double one) { return accuracy(one, data.validation); });
  found.set(arm, column, seed, accuracy(rate, data.test));
}

int compare(const few_labels_options& chosen) {
  std::vector<std::size_t> counts;
  for (const std::uint64_t count : examples::parse_seeds(chosen.labels)) counts.push_back(count);
  const std::vector<std::uint64_t> seeds = examples::parse_seeds(chosen.seeds);
  named_pictures all = read_pictures(chosen.data);
  const auto normalize = lo::data::channel_statistics(all.train);
  const auto normalized = [&](any pictures) {
    return lo::data::any_view(pictures, [&](const any& data) {
      return lo::data::augmented<any>(data, lo::data::augmentation{.normalize = normalize});
    });
  };
  const any known = normalized(std::move(all.train));
  const any unseen = normalized(std::move(all.test));
  const auto parts = lo::data::split(known, lo::data::validation_count{5000}, 1);
  const std::size_t pictures = chosen.pictures == 0 ? parts.train.size() : chosen.pictures;
  const auto indices = parts.train.indices();
  const auto view = [](const any& source, std::vector<std::uint32_t> places) {
    return lo::data::any_view(source, [&](const any& data) { return lo::data::subset(data, std::move(places)); });
  };
  const auto held = parts.validation.indices();
  const split data{view(known, {indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(pictures)}),
                   view(known, {held.begin(), held.end()}), unseen};
  const lo::cpu::backend<float> backend{{.threads = chosen.threads}};
  std::vector<std::string> columns;
  for (const std::size_t count : counts) columns.push_back(column_of(count));
  const std::string facts = lo::text(
      all.name, ": ", examples::grouped(pictures), " pictures without labels, of which some are labelled; ",
      "5,000 more choose the rates of gradient descent, for the first seed. Features: the network of SoftHebb ",
      "with ", units, ", ", 4 * units, " and ", 16 * units, " channels, one pass (principal components: steps of ",
      chosen.sanger_rate, "), and ", chosen.epochs, " epochs of a linear classifier on ",
      examples::grouped(chosen.variants), " variants of the labelled pictures. sgd, frozen: six stages, ",
      examples::grouped(chosen.steps), " steps; sgd (wide): the network of the features, ",
      examples::grouped(chosen.wide_steps), " steps, from random weights or from those of soft_hebb. All labelled ",
      "pictures are cropped and mirrored at random. A run that diverges counts as 10 %.");
  seed_table found(chosen, "Few labels", facts, {std::begin(arms), std::end(arms)}, columns);
  for (const std::uint64_t seed : seeds) {
    using soft_hebb = examples::soft_hebb::rule;
    run_features<soft_hebb>(arms[0], 1e-30, data, counts, seed, chosen, backend, found);
    run_features<sanger>(arms[1], chosen.sanger_rate, data, counts, seed, chosen, backend, found);
    run_features<soft_hebb>(arms[2], 1, data, counts, seed, chosen, backend, found);
    std::optional<examples::soft_hebb::learner<units>> features;
    const auto from_features = [&](wide_network& model) {
      if (!features) features.emplace(examples::soft_hebb::learned<units, soft_hebb>(1, data.train, seed, backend));
      take_features(*features, model);
    };
    const auto random = [](const auto&) {};
    for (const std::size_t count : counts) {
      run_gradient<network>(arms[3], false, chosen.steps, data, count, seed, backend, found, random);
      run_gradient<network>(arms[4], true, chosen.steps, data, count, seed, backend, found, random);
      run_gradient<wide_network>(arms[5], false, chosen.wide_steps, data, count, seed, backend, found, random);
      run_gradient<wide_network>(arms[6], false, chosen.wide_steps, data, count, seed, backend, found, from_features);
    }
  }
  found.report();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::few_labels(argc, argv, compare); }
