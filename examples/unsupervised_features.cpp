// Learns features without labels: one layer learns only by a local rule, SoftHebb's or Krotov and Hopfield's, and then
// a linear read-out of it learns by gradient. The baselines are a layer with random weights and a read-out of pixels.
// The program prints accuracies and writes a picture of the learned features; --help lists the options.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "digits.hpp"
#include "lab/report/filter_picture.hpp"
#include "lab/report/report_folder.hpp"
#include "lab/report/run_program.hpp"
#include "unit_pictures.hpp"

#include <localis/data/gzip.hpp>
#include <localis/localis.hpp>

namespace lo = localis;
using lo::data::any;

namespace {

constexpr std::size_t side = 28, units = 400, shown = 60, batch = 50;  // `shown` of the units are in the picture

// Features of whole pictures take shape in five epochs at these local rates. The read-out prefers smaller ones, at
// which hardly a unit does: random features are hard to beat here, and the program says so.
struct options {
  std::string fashion_mnist, out;  ///< folders; without the first: the embedded digits
  std::size_t epochs = 5, threads = 0;
  double learning_rate = 0.002, soft_hebb_rate = 0.5, krotov_hopfield_rate = 0.006;
  lo::rule::soft_hebb soft_hebb{.sharpness = 20};
  lo::rule::krotov_hopfield krotov_hopfield{};
};

// Units compete by responses that are standardized by the running mean and deviation of each unit. Otherwise a few
// units would always win, and the others would keep their initial weights.
template <class Rule, class Step>
using competing = lo::rule::local<Rule, Step, lo::rule::running_normalized_signal, lo::rule::unit_rows>;
using soft_hebb = competing<lo::rule::soft_hebb, lo::rule::absolute_step>;
using krotov_hopfield = competing<lo::rule::krotov_hopfield, lo::rule::max_abs_step>;
template <class Rule>
using features_net =
    lo::network<lo::image<side, side, 1>, lo::dense<units, Rule>, lo::batch_norm, lo::relu, lo::dense<10>>;
using pixels_net = lo::network<lo::image<side, side, 1>, lo::batch_norm, lo::dense<10>>;

/// The weights of the units that moved furthest from their initial weights, the furthest first.
std::vector<float> moved_most(const std::vector<float>& initial, const std::vector<float>& trained) {
  constexpr std::ptrdiff_t size = side * side;
  std::vector<std::pair<double, std::ptrdiff_t>> order;
  for (std::ptrdiff_t first = 0; first < static_cast<std::ptrdiff_t>(units) * size; first += size) {
    const auto row = initial.begin() + first;
    const double dot = std::inner_product(row, row + size, trained.begin() + first, 0.0);
    const double squares = std::inner_product(row, row + size, row, 0.0);
    order.emplace_back(dot / std::sqrt(squares), first);  // a cosine: units that learn have norm 1
  }
  std::sort(order.begin(), order.end());
  std::vector<float> rows;
  for (std::size_t k = 0; k < shown; ++k) {
    rows.insert(rows.end(), trained.begin() + order[k].second, trained.begin() + order[k].second + size);
  }
  return rows;
}

int compare(const options& chosen, const any& known, const any& test_pixels) {
  const examples::report_folder folder(chosen.out);
  folder.expect_new("features.svg");
  const auto pixels = lo::data::split(known, lo::data::validation_fraction{1.0 / 12}, 1);
  const std::vector<double> mean = examples::mean_picture(pixels.train);
  const examples::unit_pictures training(pixels.train, mean), validation(pixels.validation, mean);
  const examples::unit_pictures test(test_pixels, mean);

  std::printf("%zu pictures, %zu epochs\n\n%-30s  test %%  valid. %%  seconds\n", training.size(), chosen.epochs,
              "linear read-out of");
  // Trains, prints a line, and returns the weights of the first layer, which never sees a label.
  const auto run = [&]<class Net>(const char* name, double local_rate, const auto&... rule) {
    lo::model<Net> model{{.seed = 1}, lo::cpu::backend<float>{{.threads = chosen.threads}}};
    ((model.template layer<0>().rule() = rule), ...);
    const auto trainer = [&](double rate) {
      return lo::trainer(model, lo::scheduler::fixed{lo::model<Net>::stages - 1}, lo::supervision::none{},
                         {.epochs = chosen.epochs,
                          .batch = batch,
                          .local_rate = rate,
                          .normalization = lo::prefix_normalization::batch},
                         lo::optimizer::adam{}, lo::learning_rate::cosine{.rate = chosen.learning_rate});
    };
    double seconds = 0;
    if (local_rate > 0) {  // local steps fall to 0 along a straight line
      const auto falling = [](double done) { return 1 - done; };
      seconds = trainer(local_rate).learn_locally(training, {.epochs = chosen.epochs, .gain = falling}).seconds;
    }
    seconds += trainer(0).fit(training).seconds;
    std::printf("%-30s  %6.2f  %8.2f  %7.1f\n", name, 100 * lo::evaluate(model, test).accuracy,
                100 * lo::evaluate(model, validation).accuracy, seconds);
    std::fflush(stdout);
    const auto weight = model.template layer<0>().parameters()[0];
    std::vector<float> weights(weight.size());
    model.backend().download(weight.value, std::span<float>(weights));
    return weights;
  };
  run.template operator()<pixels_net>("pixels", 0);
  const auto drawn = run.template operator()<features_net<soft_hebb>>("400 features: random", 0, chosen.soft_hebb);
  const auto soft = run.template operator()<features_net<soft_hebb>>("400 features: SoftHebb", chosen.soft_hebb_rate,
                                                                     chosen.soft_hebb);
  const auto krotov = run.template operator()<features_net<krotov_hopfield>>(
      "400 features: Krotov-Hopfield", chosen.krotov_hopfield_rate, chosen.krotov_hopfield);
  folder.write("features.svg",
               examples::drawn({{"SoftHebb: the 60 units that have moved most", moved_most(drawn, soft)},
                                {"Krotov-Hopfield: the same", moved_most(drawn, krotov)}},
                               side, 15));
  std::printf("\npicture: %s\n", (folder.path() / "features.svg").c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr const char* task = "Learns features of pictures without their labels, and a linear read-out of them.";
  return examples::run_program("unsupervised_features", task, [&](CLI::App& app) {
    options chosen;
    app.add_option("--fashion-mnist", chosen.fashion_mnist, "folder with its four files; none: the embedded digits");
    app.add_option("--out", chosen.out, "folder for features.svg [out, or out-2, ...: a new one]");
    app.option_defaults()->always_capture_default();
    app.add_option("--epochs", chosen.epochs, "passes over the training pictures");
    app.add_option("--threads", chosen.threads, "processor threads; 0: all");
    app.add_option("--learning-rate", chosen.learning_rate, "of the read-out, at first");
    app.add_option("--soft-hebb-rate", chosen.soft_hebb_rate, "local rate of SoftHebb, at first");
    app.add_option("--sharpness", chosen.soft_hebb.sharpness, "of its softmax");
    app.add_option("--krotov-hopfield-rate", chosen.krotov_hopfield_rate, "of Krotov-Hopfield, at first");
    app.add_option("--rank", chosen.krotov_hopfield.rank, "of its unit that is pushed away");
    app.add_option("--delta", chosen.krotov_hopfield.delta, "how strongly, as a fraction of the winner's step");
    app.parse(argc, argv);
    if (chosen.fashion_mnist.empty()) {
      const lo::data::images digits = examples::digits();
      const auto parts = lo::data::split(digits, lo::data::validation_count{397}, 1);
      return compare(chosen, any(parts.train), any(parts.validation));
    }
    lo::data::image_set fashion = lo::data::fashion_mnist(chosen.fashion_mnist);
    return compare(chosen, any(std::move(fashion.train)), any(std::move(fashion.test)));
  });
}
