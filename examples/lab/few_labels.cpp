// Few labels: of all pictures of CIFAR-10, some hundred or thousand are labelled. Rules that need no labels learn
// features from all pictures, and a linear classifier of them learns from those with labels; the baselines are random
// features, and gradient descent on the labelled pictures alone. few_labels --help lists the options.

#include "few_labels.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../reproduce/soft_hebb.hpp"
#include "comparison.hpp"
#include "fresh_model.hpp"
#include "report/dot_plot.hpp"
#include "report/format.hpp"
#include "report/html_report.hpp"
#include "report/report_folder.hpp"
#include "typed_settings.hpp"
#include <nlohmann/json.hpp>

#include <localis/localis.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;
using examples::fixed;
using examples::percent;
using lo::data::any;

namespace {

constexpr std::size_t units = 48;  // of the first convolution: half of the paper's
using sanger = lo::rule::local<lo::rule::sanger, lo::rule::relative_step, lo::rule::unit_rows>;
using network = lo::model<lo::zoo::six_stages_32<10>>;

using examples::few_labels_options;

constexpr const char* arms[] = {"random features", "principal components", "soft_hebb", "sgd", "frozen"};
constexpr double rates[] = {0.02, 0.05, 0.1};  // of sgd and frozen, of which each takes its best

struct split {
  any train;       ///< whose labels only some arms see, and few of them
  any validation;  ///< chooses the rates of gradient descent
  any test;
};

/// Test accuracy by number of labels, arm and seed.
using results = std::map<std::size_t, std::map<std::string, std::map<std::uint64_t, double>>>;

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

examples::soft_hebb::samples part_of(const examples::soft_hebb::samples& all,
                                     const std::vector<std::uint32_t>& indices) {
  examples::soft_hebb::samples part{.features = {}, .labels = {}, .length = all.length};
  for (const std::uint32_t index : indices) {
    const auto first = all.features.begin() + static_cast<std::ptrdiff_t>(index * all.length);
    part.features.insert(part.features.end(), first, first + static_cast<std::ptrdiff_t>(all.length));
    part.labels.push_back(all.labels[index]);
  }
  return part;
}

/// Features from all pictures, and a classifier of them for each number of labels.
template <class Rule>
void run_features(const char* arm, double rate, const split& data, const std::vector<std::size_t>& counts,
                  std::uint64_t seed, const few_labels_options& chosen, const lo::cpu::backend<float>& backend,
                  results& found) {
  namespace soft_hebb = examples::soft_hebb;
  soft_hebb::learner<units, Rule> model{{.seed = seed}, backend};
  soft_hebb::draw_weights(model, seed);
  soft_hebb::set_powers(model);
  if constexpr (std::is_same_v<Rule, soft_hebb::rule>) soft_hebb::set_rates<units>(model);
  const double seconds = soft_hebb::learn(model, data.train, rate, seed);
  const auto train = soft_hebb::features_of<units>(model, data.train);
  const auto test = soft_hebb::features_of<units>(model, data.test);
  for (const std::size_t count : counts) {
    const auto labelled = part_of(train, balanced(data.train, count, seed));
    found[count][arm][seed] = soft_hebb::classify<units>(labelled, test, chosen.epochs, seed, backend);
    std::cout << arm << ", seed " << seed << ", " << count << " labels: test " << percent(found[count][arm][seed])
              << " % (features in " << fixed(seconds, 0) << " s)" << std::endl;
  }
}

/// Gradient descent on the labelled pictures, cropped and mirrored at random.
void run_gradient(const char* arm, bool freezes, const split& data, std::size_t count, std::uint64_t seed,
                  const few_labels_options& chosen, const lo::cpu::backend<float>& backend, results& found) {
  const lo::data::subset<any> labelled(data.train, balanced(data.train, count, seed));
  const lo::data::augmented train(labelled, lo::data::augmentation{.padding = 4, .flip = true, .seed = seed});
  constexpr std::size_t batch = 50;
  const std::size_t epochs = std::max<std::size_t>(1, chosen.steps * batch / count);
  double best = -1;
  for (const double rate : rates) {
    network model = examples::fresh_model<network>(backend, seed);
    lo::trainer trainer(model, lo::scheduler::linear{.begin = epochs / 3, .last = freezes ? network::stages - 1 : 0},
                        lo::supervision::none{}, {.epochs = epochs, .batch = batch, .local_rate = 0, .seed = seed},
                        lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4},
                        lo::learning_rate::warm_up{lo::learning_rate::cosine{.rate = rate}, 1.0, 0.1});
    trainer.fit(train);
    const double validation = lo::evaluate(model, data.validation).accuracy;
    if (validation <= best) continue;
    best = validation;
    found[count][arm][seed] = lo::evaluate(model, data.test).accuracy;
  }
  std::cout << arm << ", seed " << seed << ", " << count << " labels: test " << percent(found[count][arm][seed]) << " %"
            << std::endl;
}

/// "61.23 +- 0.31", with the standard error over the seeds.
std::string mean_and_error(const std::map<std::uint64_t, double>& by_seed) {
  double sum = 0;
  for (const auto& [seed, value] : by_seed) sum += value;
  const auto count = static_cast<double>(by_seed.size());
  double squares = 0;
  for (const auto& [seed, value] : by_seed) squares += (value - sum / count) * (value - sum / count);
  if (by_seed.size() < 2) return percent(sum / count);
  return percent(sum / count) + " +- " + percent(std::sqrt(squares / (count - 1) / count));
}

/// Who wins with this many labels, by how much, and whether that is beyond the error.
std::string verdict(std::size_t count, const std::map<std::string, std::map<std::uint64_t, double>>& by_arm) {
  std::vector<examples::table_row> rows;
  for (const auto& [arm, by_seed] : by_arm) {
    examples::table_row& row = rows.emplace_back();
    row.name = arm;
    row.tests = by_seed;
    row.test = 0;
    for (const auto& [seed, value] : by_seed) row.test += value / static_cast<double>(by_seed.size());
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.test > b.test; });
  if (rows.size() < 2) return {};
  const examples::paired lead = examples::paired_difference(rows[0], rows[1]);
  std::string line =
      std::to_string(count) + " labels: " + rows[0].name + " wins over " + rows[1].name + " by " + percent(lead.mean);
  if (lead.values.size() < 2) return line + " points; more seeds tell how sure that is.";
  return line + " +- " + percent(lead.error) + " points (paired by " + std::to_string(lead.values.size()) +
         " seeds): " + (lead.mean > 2 * lead.error ? "beyond the error." : "within the error.");
}

void write_report(const examples::report_folder& folder, const results& found, const std::string& facts) {
  examples::cells table{{"test %"}};
  for (const auto& [count, by_arm] : found) table[0].push_back(std::to_string(count) + " labels");
  for (const char* arm : arms) {
    table.push_back({arm});
    for (const auto& [count, by_arm] : found) {
      const auto row = by_arm.find(arm);
      table.back().push_back(row == by_arm.end() ? "-" : mean_and_error(row->second));
    }
  }
  std::string page = "<p class='note'>" + examples::escaped(facts) + "</p>\n" + examples::detail::html_table(table);
  nlohmann::ordered_json json{{"facts", facts}, {"accuracies", nlohmann::ordered_json::object()}};
  std::string lines;
  for (const auto& [count, by_arm] : found) {
    examples::dot_plot plot{.title = std::to_string(count) + " labels",
                            .x_label = "test accuracy, %",
                            .note = "A dot is one seed, the stroke their mean."};
    for (const char* arm : arms) {
      const auto row = by_arm.find(arm);
      if (row == by_arm.end()) continue;
      examples::dot_plot::row dots{arm, {}};
      for (const auto& [seed, value] : row->second) {
        dots.values.push_back(100 * value);
        json["accuracies"][std::to_string(count)][arm][std::to_string(seed)] = value;
      }
      plot.rows.push_back(std::move(dots));
    }
    const std::string line = verdict(count, by_arm);
    lines += line + '\n';
    page += "<p>" + examples::escaped(line) + "</p>\n" + examples::drawn(plot);
  }
  folder.write("report.html", examples::html_page("Few labels", page));
  folder.write("report.json", json.dump(1) + '\n');
  folder.write("table.md", examples::markdown_table(table));
  std::cout << '\n' << examples::text_table(table) << '\n' << lines << "\nreport: " << folder.path().string() << '\n';
}

int compare(const few_labels_options& chosen) {
  std::vector<std::size_t> counts;
  for (const std::uint64_t count : examples::parse_seeds(chosen.labels)) counts.push_back(count);
  const std::vector<std::uint64_t> seeds = examples::parse_seeds(chosen.seeds);
  const examples::report_folder folder(chosen.out);
  folder.expect_new("report.json");
  auto cifar = lo::data::cifar10(chosen.data);
  const auto normalize = lo::data::channel_statistics(cifar.train);
  const auto normalized = [&](any pictures) {
    return lo::data::any_view(pictures, [&](const any& data) {
      return lo::data::augmented<any>(data, lo::data::augmentation{.normalize = normalize});
    });
  };
  const any known = normalized(any(std::move(cifar.train)));
  const any unseen = normalized(any(std::move(cifar.test)));
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
  const std::string facts =
      lo::text("CIFAR-10: ", examples::grouped(pictures), " pictures without labels, of which some are labelled; ",
               "5,000 more choose the learning rate of sgd and frozen; seeds ", chosen.seeds,
               ". Features: the network of SoftHebb with ", units, ", ", 4 * units, " and ", 16 * units,
               " channels, one pass, and a linear classifier. sgd, frozen: six stages, ",
               examples::grouped(chosen.steps), " steps, cropped and mirrored.");
  std::cout << facts << "\n\n";
  results found;
  for (const std::uint64_t seed : seeds) {
    using soft_hebb = examples::soft_hebb::rule;
    run_features<soft_hebb>(arms[0], 1e-30, data, counts, seed, chosen, backend, found);
    run_features<sanger>(arms[1], chosen.sanger_rate, data, counts, seed, chosen, backend, found);
    run_features<soft_hebb>(arms[2], 1, data, counts, seed, chosen, backend, found);
    for (const std::size_t count : counts) {
      run_gradient(arms[3], false, data, count, seed, chosen, backend, found);
      run_gradient(arms[4], true, data, count, seed, chosen, backend, found);
    }
  }
  write_report(folder, found, facts);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::few_labels(argc, argv, compare); }
