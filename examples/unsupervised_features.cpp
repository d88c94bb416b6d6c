// Features without labels: a layer that only ever learns by a local rule, SoftHebb's or Krotov and Hopfield's, and a
// linear read-out of it that learns by gradient, beside a layer that stays as it was drawn and a read-out of the
// pixels. Prints accuracies and writes a picture of what the units have learned. `unsupervised_features --help` has the
// options.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filter_picture.hpp"
#include "pictures.hpp"
#include "report_folder.hpp"
#include "run_program.hpp"
#include "settings.hpp"

#include <localis/localis.hpp>

namespace lo = localis;

namespace {

constexpr std::size_t side = 28;
constexpr std::size_t units = 400;
constexpr std::size_t patch_units = 64;
constexpr std::size_t shown = 60;  ///< in the picture
constexpr const char* picture = "features.svg";

/// The mean of all pictures.
std::vector<double> mean_picture(const examples::any_data& of) {
  std::vector<double> mean(side * side);
  std::vector<float> pixels(side * side);
  for (std::size_t i = 0; i < of.size(); ++i) {
    of.read(i, pixels);
    for (std::size_t p = 0; p < pixels.size(); ++p) mean[p] += static_cast<double>(pixels[p]);
  }
  for (double& value : mean) value /= static_cast<double>(of.size());
  return mean;
}

/// Pictures less a mean picture, as vectors of norm 1: units that compete compare directions.
class unit_pictures {
 public:
  unit_pictures(const examples::any_data& from, const std::vector<double>& mean) : from_(&from), mean_(&mean) {}

  [[nodiscard]] std::size_t size() const { return from_->size(); }
  [[nodiscard]] std::size_t height() const { return side; }
  [[nodiscard]] std::size_t width() const { return side; }
  [[nodiscard]] std::size_t channels() const { return 1; }
  [[nodiscard]] std::size_t classes() const { return from_->classes(); }
  std::uint32_t read(std::size_t index, std::span<float> pixels) const {
    const std::uint32_t label = from_->read(index, pixels);
    double squares = 0;
    for (std::size_t p = 0; p < pixels.size(); ++p) {
      const double value = static_cast<double>(pixels[p]) - (*mean_)[p];
      squares += value * value;
      pixels[p] = static_cast<float>(value);
    }
    const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (float& pixel : pixels) pixel *= scale;
    return label;
  }

 private:
  const examples::any_data* from_;
  const std::vector<double>* mean_;
};

/// Local steps fall to 0 along a straight line.
struct falling {
  std::size_t steps = 1;  ///< of the run
  struct state {
    std::size_t step = 0;
  };
  constexpr void observe(state& seen, double) const { ++seen.step; }
  [[nodiscard]] constexpr double gain(const state& seen) const {
    return 1 - static_cast<double>(seen.step) / static_cast<double>(steps);
  }
};

struct outcome {
  double validation = 0;
  double test = 0;
  double seconds = 0;
  std::vector<float> weights;  ///< of the first layer
};

/// @param boundary  1: the first layer never sees a label
template <class Model>
outcome train(Model& model, const examples::settings& s, const examples::pictures& data, std::size_t boundary,
              double local_rate) {
  const std::vector<double> mean = mean_picture(data.train);
  const unit_pictures training(data.train, mean);
  const unit_pictures validation(data.validation, mean);
  const unit_pictures test(data.test, mean);
  const std::size_t steps = s.epochs * ((training.size() + s.batch - 1) / s.batch);
  lo::trainer trainer(model, lo::scheduler::fixed{boundary}, falling{steps},
                      lo::train_options{.epochs = s.epochs,
                                        .batch = s.batch,
                                        .local_rate = local_rate,
                                        .normalization = lo::prefix_normalization::batch},
                      lo::optimizer::adam{}, lo::learning_rate::cosine{.rate = s.learning_rate.base.rate});
  outcome result;
  result.seconds = trainer.fit(training).seconds;
  result.validation = lo::evaluate(model, validation).accuracy;
  result.test = lo::evaluate(model, test).accuracy;
  if (boundary > 0) {
    const auto weight = model.template layer<0>().parameters()[0];
    result.weights.resize(weight.size());
    model.backend().download(weight.value, std::span<float>(result.weights));
  }
  return result;
}

// Units compete by responses that are each standardized by its own running mean and deviation: else a few of them win
// always, and the others stay as they were drawn.
template <class Rule, class Step>
using competing = lo::rule::local<Rule, Step, lo::rule::running_normalized_signal, lo::rule::unit_rows>;
using soft_hebb = competing<lo::rule::soft_hebb, lo::rule::absolute_step>;
using krotov_hopfield = competing<lo::rule::krotov_hopfield, lo::rule::max_abs_step>;

template <class Rule>
using net = lo::network<lo::image<side, side, 1>, lo::dense<units, Rule>, lo::batch_norm, lo::relu, lo::dense<10>>;
template <class Rule>
using patch_net = lo::network<lo::image<side, side, 1>, lo::conv2d<patch_units, 5, Rule>, lo::batch_norm, lo::relu,
                              lo::max_pool2d<4>, lo::dense<10>>;
using pixels_net = lo::network<lo::image<side, side, 1>, lo::batch_norm, lo::dense<10>>;

/// The weights of the units that are furthest from where they began, the furthest first.
std::vector<float> moved_most(const std::vector<float>& from, const std::vector<float>& to) {
  constexpr std::size_t size = side * side;
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t unit = 0; unit < units; ++unit) {
    double dot = 0;
    double squares = 0;
    for (std::size_t i = unit * size; i < (unit + 1) * size; ++i) {
      dot += static_cast<double>(from[i]) * static_cast<double>(to[i]);
      squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
    }
    order.emplace_back(dot / std::sqrt(squares), unit);  // a cosine: units that learn have norm 1
  }
  std::sort(order.begin(), order.end());
  std::vector<float> result;
  for (std::size_t k = 0; k < shown; ++k) {
    const auto row = to.begin() + static_cast<std::ptrdiff_t>(order[k].second * size);
    result.insert(result.end(), row, row + static_cast<std::ptrdiff_t>(size));
  }
  return result;
}

/// Rates at which the features of whole pictures take shape in five epochs. The read-out prefers smaller ones, at which
/// hardly a unit does: random features are hard to beat here, and the program says so.
struct choice {
  examples::settings common;
  double soft_hebb_rate = 0.5;
  double krotov_hopfield_rate = 0.006;
  double sharpness = 20;
  std::size_t rank = 2;
  double delta = 0.4;
};

int compare(const choice& c) {
  const examples::settings& s = c.common;
  const examples::pictures data = examples::load_pictures(s);
  const examples::report_folder folder(s.out);
  folder.expect_new(picture);
  const lo::cpu::backend<float> backend{{.threads = s.threads}};
  if (!data.note.empty()) std::printf("NOTE: %s\n", data.note.c_str());
  std::printf("%s, %zu pictures to train with, %zu epochs\n\n%-45s  test %%  valid. %%  seconds\n", data.name.c_str(),
              data.train.size(), s.epochs, "linear read-out of");
  const auto tell = [](const std::string& name, const outcome& o) {
    std::printf("%-45s  %6.2f  %8.2f  %7.1f\n", name.c_str(), 100 * o.test, 100 * o.validation, o.seconds);
    std::fflush(stdout);
  };

  const auto features = [&]<class Net>(const std::string& what, double rate, const auto& rule) {
    lo::model<Net> model{{.seed = 1}, backend};
    model.template layer<0>().rule() = rule;
    const outcome result = train(model, s, data, 1, rate);
    tell(what, result);
    return result;
  };
  const lo::rule::soft_hebb soft{.sharpness = c.sharpness};
  const lo::rule::krotov_hopfield krotov{.rank = c.rank, .delta = c.delta};

  lo::model<pixels_net> pixels{{.seed = 1}, backend};
  tell("pixels", train(pixels, s, data, 0, 0));
  const std::string whole = lo::text(units, " features of the picture: ");
  const outcome as_drawn = features.template operator()<net<soft_hebb>>(whole + "random", 0, soft);
  const outcome by_soft_hebb = features.template operator()<net<soft_hebb>>(whole + "SoftHebb", c.soft_hebb_rate, soft);
  const outcome by_krotov_hopfield =
      features.template operator()<net<krotov_hopfield>>(whole + "Krotov-Hopfield", c.krotov_hopfield_rate, krotov);
  const std::string patches = lo::text(patch_units, " features of patches: ");
  features.template operator()<patch_net<soft_hebb>>(patches + "random", 0, soft);
  features.template operator()<patch_net<soft_hebb>>(patches + "SoftHebb", c.soft_hebb_rate, soft);
  features.template operator()<patch_net<krotov_hopfield>>(patches + "Krotov-Hopfield", c.krotov_hopfield_rate, krotov);

  const auto sheet = [&as_drawn](const char* rule, const outcome& o) {
    return examples::filter_sheet{lo::text(rule, ": of ", units, " units the ", shown, " that have moved most"),
                                  moved_most(as_drawn.weights, o.weights)};
  };
  folder.write(picture, examples::drawn({sheet("SoftHebb", by_soft_hebb), sheet("Krotov-Hopfield", by_krotov_hopfield)},
                                        side, 15));
  std::printf("\npicture: %s\n", (folder.path() / picture).c_str());
  return 0;
}

choice read_choice(CLI::App& app, int argc, char** argv) {
  choice c;
  examples::settings& s = c.common;
  s.epochs = 5;
  s.batch = 50;
  s.learning_rate.base.rate = 0.002;
  app.add_flag("--quick", s.quick, "the embedded digits, 3 epochs: seconds");
  app.add_flag("--digits", s.digits, "the embedded digits, even where Fashion-MNIST is there");
  auto* data = app.add_option("--data", s.data, "folder with the four files of Fashion-MNIST");
  app.add_option("--out", s.out, "folder for features.svg [out, or out-2, ...: a new one]");
  app.add_option("--epochs", s.epochs, "passes over the training pictures")->capture_default_str();
  app.add_option("--threads", s.threads, "processor threads; 0: all")->capture_default_str();
  app.add_option("--learning-rate", s.learning_rate.base.rate, "first rate of the read-out")->capture_default_str();
  app.add_option("--soft-hebb-rate", c.soft_hebb_rate, "first local rate of SoftHebb")->capture_default_str();
  app.add_option("--sharpness", c.sharpness, "of SoftHebb's softmax")->capture_default_str();
  app.add_option("--krotov-hopfield-rate", c.krotov_hopfield_rate,
                 "first local rate of Krotov-Hopfield: how far the weight that moves most moves")
      ->capture_default_str();
  app.add_option("--rank", c.rank, "of the unit that is pushed away")->capture_default_str();
  app.add_option("--delta", c.delta, "how strongly, in shares of the winner's step")->capture_default_str();
  app.parse(argc, argv);
  s.data_given = data->count() > 0;
  if (s.quick) {
    s.digits = true;
    if (app.count("--epochs") == 0) s.epochs = 3;
  }
  lo::expect(s.epochs >= 1, "--epochs", "at least 1", s.epochs);
  return c;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run_program("unsupervised_features",
                               "Learns features of pictures without their labels, and a linear read-out of them.",
                               [&](CLI::App& app) { return compare(read_choice(app, argc, argv)); });
}
