// Features without labels: a layer that only ever learns by a local rule, SoftHebb's or Krotov and Hopfield's, and a
// linear read-out of it that learns by gradient, beside a layer that stays as it was drawn and a read-out of the
// pixels. Prints accuracies and writes a picture of what the units have learned; --help has the options.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <span>
#include <type_traits>
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

constexpr std::size_t side = 28;
constexpr std::size_t units = 400;
constexpr std::size_t shown = 60;  ///< units in the picture

struct options {
  std::filesystem::path data = "/usr/share/datasets/fashion-mnist";
  std::filesystem::path out;
  bool quick = false;
};

/// To train with, and to test with: Fashion-MNIST, or the embedded digits.
std::pair<any, any> load(const options& chosen) {
  if (!chosen.quick && std::filesystem::exists(chosen.data)) {
    lo::data::image_set fashion = lo::data::fashion_mnist(chosen.data);
    return {any(std::move(fashion.train)), any(std::move(fashion.test))};
  }
  const any digits(examples::digits());
  return {lo::data::any_view(digits, [](const any& all) { return lo::data::subset(all, 0, 1400); }),
          lo::data::any_view(digits, [](const any& all) { return lo::data::subset(all, 1400, 397); })};
}

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

// Units compete by responses that are each standardized by its own running mean and deviation: else a few of them win
// always, and the others stay as they were drawn.
template <class Rule, class Step>
using competing = lo::rule::local<Rule, Step, lo::rule::running_normalized_signal, lo::rule::unit_rows>;
using soft_hebb = competing<lo::rule::soft_hebb, lo::rule::absolute_step>;
using krotov_hopfield = competing<lo::rule::krotov_hopfield, lo::rule::max_abs_step>;
template <class Rule>
using features_net =
    lo::network<lo::image<side, side, 1>, lo::dense<units, Rule>, lo::batch_norm, lo::relu, lo::dense<10>>;
using pixels_net = lo::network<lo::image<side, side, 1>, lo::batch_norm, lo::dense<10>>;

/// The weights of the units that are furthest from where they began, the furthest first.
std::vector<float> moved_most(const std::vector<float>& before, const std::vector<float>& after) {
  constexpr std::ptrdiff_t size = side * side;
  std::vector<std::pair<double, std::ptrdiff_t>> order;
  for (std::ptrdiff_t first = 0; first < static_cast<std::ptrdiff_t>(units) * size; first += size) {
    const auto from = before.begin() + first;
    const double dot = std::inner_product(from, from + size, after.begin() + first, 0.0);
    const double squares = std::inner_product(from, from + size, from, 0.0);
    order.emplace_back(dot / std::sqrt(squares), first);  // a cosine: units that learn have norm 1
  }
  std::sort(order.begin(), order.end());
  std::vector<float> rows;
  for (std::size_t k = 0; k < shown; ++k) {
    const auto row = after.begin() + order[k].second;
    rows.insert(rows.end(), row, row + size);
  }
  return rows;
}

int compare(const options& chosen) {
  const examples::report_folder folder(chosen.out);
  folder.expect_new("features.svg");
  const auto [training_pixels, test_pixels] = load(chosen);
  const std::vector<double> mean = examples::mean_picture(training_pixels);
  const examples::unit_pictures training(training_pixels, mean);
  const examples::unit_pictures test(test_pixels, mean);
  constexpr std::size_t batch = 50;
  const std::size_t epochs = chosen.quick ? 3 : 5;
  const falling local_gain{epochs * ((training.size() + batch - 1) / batch)};

  std::printf("%zu pictures, %zu epochs\n\n%-30s  test %%  seconds\n", training.size(), epochs, "linear read-out of");
  // Trains, prints a line, and returns the weights of the first layer, which never sees a label.
  const auto run = [&]<class Net>(const char* name, double local_rate) {
    lo::model<Net> model{{.seed = 1}};
    if constexpr (std::is_same_v<Net, features_net<soft_hebb>>) model.template layer<0>().rule().sharpness = 20;
    lo::trainer trainer(model, lo::scheduler::fixed{lo::model<Net>::stages - 1}, local_gain,
                        lo::train_options{.epochs = epochs,
                                          .batch = batch,
                                          .local_rate = local_rate,
                                          .normalization = lo::prefix_normalization::batch},
                        lo::optimizer::adam{}, lo::learning_rate::cosine{.rate = 0.002});
    const double seconds = trainer.fit(training).seconds;
    std::printf("%-30s  %6.2f  %7.1f\n", name, 100 * lo::evaluate(model, test).accuracy, seconds);
    std::fflush(stdout);
    const auto weight = model.template layer<0>().parameters()[0];
    std::vector<float> weights(weight.size());
    model.backend().download(weight.value, std::span<float>(weights));
    return weights;
  };
  // Rates at which features of whole pictures take shape in five epochs. The read-out prefers smaller ones, at which
  // hardly a unit does: random features are hard to beat here, and the program says so.
  run.template operator()<pixels_net>("pixels", 0);
  const auto drawn = run.template operator()<features_net<soft_hebb>>("400 features: random", 0);
  const auto soft = run.template operator()<features_net<soft_hebb>>("400 features: SoftHebb", 0.5);
  const auto krotov = run.template operator()<features_net<krotov_hopfield>>("400 features: Krotov-Hopfield", 0.006);

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
    app.add_flag("--quick", chosen.quick, "the embedded digits: seconds");
    app.add_option("--data", chosen.data, "folder with the four files of Fashion-MNIST; none: the digits");
    app.add_option("--out", chosen.out, "folder for features.svg [out, or out-2, ...: a new one]");
    app.parse(argc, argv);
    return compare(chosen);
  });
}
