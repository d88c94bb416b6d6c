// The reference trainer: one network trained on Fashion-MNIST by gradient descent, with its first stages frozen, and
// with its first stages learning locally; accuracy, time and memory side by side. `train --help` lists what can be
// chosen. The network and the runs are here; the folder's headers read options and pictures and write the report.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "experiment.hpp"
#include "html_report.hpp"
#include "interrupt.hpp"
#include "pictures.hpp"
#include "progress.hpp"
#include "report_folder.hpp"
#include "settings.hpp"

#include <localis/localis.hpp>

namespace lo = localis;
using examples::settings;

using rule = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;
// clang-format off
using net = lo::network<lo::image<28, 28, 1>,
    lo::conv2d<32, 3, lo::padding<1>, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::conv2d<32, 3, lo::padding<1>, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::conv2d<64, 3, lo::padding<1>, rule>, lo::batch_norm, lo::relu,
    lo::conv2d<64, 3, lo::padding<1>, rule>, lo::batch_norm, lo::relu,
    lo::dense<128, rule>, lo::batch_norm, lo::relu, lo::dropout,
    lo::dense<10>>;
// clang-format on
constexpr std::size_t dropout_layer = 17;
using net_model = lo::model<net>;

namespace {

/// Does one run after the other and keeps what they came to.
class lab {
 public:
  lab(const settings& chosen, const examples::pictures& data, const examples::report_folder& folder)
      : data_(data),
        folder_(folder),
        bar_(data.train.size() * chosen.epochs * chosen.runs.size() * chosen.seeds.size()) {
    all_.chosen = chosen;
    all_.data = data.name;
    all_.data_note = data.note;
    all_.train = data.train.size();
    all_.validation = data.validation.size();
    all_.test = data.test.size();
    all_.network = fresh_model(1).summary();
    const auto shares = net_model::work_shares();
    all_.shares.assign(shares.begin(), shares.end());
  }

  /// What tells one run from another, besides its boundary.
  struct conditions {
    double local_rate = 0;  ///< 0: stages before the boundary are frozen
    lo::prefix_normalization normalization = lo::prefix_normalization::running;
    std::size_t epochs = 0;
  };

  /// Trains a fresh model and looks at the test pictures once, at the end. Does nothing where the run is not wanted.
  template <class Scheduler, class Supervision>
  void run(const char* name, std::uint64_t seed, const Scheduler& scheduler, const Supervision& supervision,
           const conditions& how) {
    const settings& s = all_.chosen;
    if (!s.wants(name) || examples::interrupted()) return;
    net_model fresh = fresh_model(seed);
    lo::trainer trainer(fresh, scheduler, supervision,
                        lo::train_options{.epochs = how.epochs,
                                          .batch = s.batch,
                                          .local_rate = how.local_rate,
                                          .normalization = how.normalization,
                                          .seed = seed},
                        s.optimizer, s.learning_rate);
    std::string place;
    trainer.on_step([&](const lo::step_event& now) {
      bar_.step(now);
      if (!examples::interrupted()) return;
      trainer.request_stop();
      place = lo::text("epoch ", now.epoch + 1, " of ", now.epochs, ", step ", now.step + 1, " of ", now.steps);
    });
    trainer.on_epoch([&](const lo::epoch_record& record) {
      bar_.epoch(record, how.epochs);
      if (!examples::interrupted()) return;
      trainer.request_stop();
      if (place.empty()) place = lo::text("after epoch ", record.epoch + 1, " of ", how.epochs);
    });

    bar_.begin(name, seed, data_.train.size() * how.epochs, data_.train.size() * s.epochs);
    examples::run_result result{.name = name, .seed = seed, .epochs = how.epochs, .local = how.local_rate > 0};
    try {
      result.report = trainer.fit(data_.train, data_.validation);
      if (result.finished()) result.test_accuracy = trainer.evaluate(data_.test).accuracy;
      if (!result.finished()) all_.message = lo::text("interrupted in ", name, ", seed ", seed, ", ", place);
    } catch (const lo::divergence_error& failure) {
      result.report = trainer.report();
      all_.ending = "diverged";
      all_.message = lo::text(name, ", seed ", seed, ": ", failure.what(), " (epoch and step counted from 0)");
    }
    bar_.end(result);
    all_.runs.push_back(std::move(result));
    save();
    if (all_.ending == "diverged") throw diverged{};
  }

  /// Says that the run cannot go on; the message is kept.
  struct diverged {};

  void finish() {
    if (all_.ending == "running") all_.ending = examples::interrupted() ? "interrupted" : "finished";
    if (all_.ending == "interrupted" && all_.message.empty()) all_.message = "interrupted between two runs";
    save();
  }

  [[nodiscard]] const examples::experiment& all() const { return all_; }
  [[nodiscard]] examples::progress& bar() { return bar_; }

 private:
  [[nodiscard]] net_model fresh_model(std::uint64_t seed) const {
    net_model fresh{{.seed = seed}, net_model::backend_type{{.threads = all_.chosen.threads}}};
    fresh.layer<dropout_layer>().rate = 0.25;
    return fresh;
  }

  void save() const {
    folder_.write("epochs.csv", examples::epochs_csv(all_));
    folder_.write("report.json", examples::report_json(all_));
    folder_.write("report.html", examples::report_html(all_));
  }

  const examples::pictures& data_;
  const examples::report_folder& folder_;
  examples::progress bar_;
  examples::experiment all_;
};

/// The whole number of epochs of gradient descent that comes closest to the training time of the localized run with the
/// dynamic boundary.
std::size_t short_epochs(lab& lab, std::uint64_t seed) {
  const settings& s = lab.all().chosen;
  if (s.short_epochs) return *s.short_epochs;
  const examples::run_result* dynamic = lab.all().find("localized dynamic", seed);
  if (dynamic == nullptr) return s.epochs;  // interrupted before
  double seconds = 0;
  std::size_t epochs = 0;
  const examples::run_result* sgd = lab.all().find("sgd", seed);
  for (const lo::epoch_record& e : (sgd != nullptr ? sgd : dynamic)->report.epochs) {
    if (e.boundary > 0) continue;  // until its boundary moves, the other run is gradient descent as well
    seconds += e.seconds;
    ++epochs;
  }
  const double fitting = dynamic->report.seconds * static_cast<double>(epochs) / seconds;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(fitting)));
}

void all_runs(lab& lab, std::uint64_t seed) {
  const settings& s = lab.all().chosen;
  const lo::supervision::none unsupervised;
  const lab::conditions local{.local_rate = s.local_rate, .normalization = s.normalization, .epochs = s.epochs};
  const lab::conditions frozen{.local_rate = 0, .normalization = s.normalization, .epochs = s.epochs};
  const lab::conditions frozen_batch{
      .local_rate = 0, .normalization = lo::prefix_normalization::batch, .epochs = s.epochs};

  lab.run("sgd", seed, lo::scheduler::fixed{0}, unsupervised, frozen);
  lab.run("localized static", seed, s.linear, unsupervised, local);
  lab.run("localized dynamic", seed, s.dynamic, s.gain, local);
  lab.run("interleaved", seed, lo::scheduler::interleaved{s.linear, s.every, s.prefix_rate}, unsupervised, local);
  lab.run("frozen static", seed, s.linear, unsupervised, frozen);
  lab.run("frozen static (batch)", seed, s.linear, unsupervised, frozen_batch);

  if (const examples::run_result* dynamic = lab.all().find("localized dynamic", seed)) {
    const lo::scheduler::replay replay{dynamic->report.boundaries()};
    lab.run("frozen replay", seed, replay, unsupervised, frozen);
    lab.run("frozen replay (batch)", seed, replay, unsupervised, frozen_batch);
  }
  if (s.wants("sgd short")) {
    lab::conditions shortened = frozen;
    shortened.epochs = short_epochs(lab, seed);
    if (!examples::interrupted()) lab.bar().say(lo::text("sgd short: ", shortened.epochs, " epochs"));
    lab.run("sgd short", seed, lo::scheduler::fixed{0}, unsupervised, shortened);
  }
}

/// What only shows once the data and the network are known, before hours are spent.
/// Errors: config_error, shape_error
void check(const settings& s, const examples::pictures& data) {
  if (s.batch > data.train.size()) {
    throw lo::config_error(
        lo::text("--batch: expected at most the ", data.train.size(), " training pictures, found ", s.batch));
  }
  const lo::schedule_limits limits{net_model::stages, net::highest_boundary, s.epochs,
                                   (data.train.size() + s.batch - 1) / s.batch};
  auto linear = s.linear;
  linear.start(limits);
  auto dynamic = s.dynamic;
  dynamic.start(limits);
  s.gain.validate();
}

int train(const settings& chosen) {
  const examples::pictures data = examples::load_pictures(chosen);
  check(chosen, data);
  const examples::report_folder folder(chosen.out);
  lab lab(chosen, data, folder);

  const examples::experiment& all = lab.all();
  if (!data.note.empty()) std::cout << "NOTE: " << data.note << '\n';
  std::cout << "pictures: " << data.name << ", " << examples::grouped(all.train) << " to train with, "
            << examples::grouped(all.validation) << " to validate, " << examples::grouped(all.test) << " to test\n"
            << "runs:     " << examples::joined(chosen.runs, ", ")
            << (chosen.dynamic_added ? " (localized dynamic because another run follows it)" : "") << '\n'
            << "          " << chosen.epochs << " epochs, batch " << chosen.batch << ", " << chosen.seeds.size()
            << (chosen.seeds.size() == 1 ? " seed, " : " seeds, ") << all.network.threads << " threads, "
            << all.network.instructions << '\n'
            << "report:   " << folder.path().string() << "\n\n";

  examples::watch_for_interrupt();
  bool diverged = false;
  try {
    for (const std::uint64_t seed : chosen.seeds) all_runs(lab, seed);
  } catch (const lab::diverged&) {
    diverged = true;
  }
  lab.finish();

  const auto rows = all.table();
  if (!rows.empty()) {
    lab.bar().say("");
    std::cout << examples::text_table(examples::result_cells(rows)) << '\n'
              << examples::text_table(examples::memory_cells(rows)) << '\n';
    for (const auto note : examples::table_notes) std::cout << note << '\n';
    std::cout << '\n';
    for (const std::string& verdict : examples::verdicts(rows, all.test)) std::cout << verdict << '\n';
  }
  lab.bar().say(lo::text("report: ", (folder.path() / "report.html").string(), ", epochs.csv, report.json"));
  if (diverged) std::cerr << "train: " << all.message << std::endl;
  if (!diverged && examples::interrupted()) std::cout << all.message << std::endl;
  return diverged ? 3 : all.ending == "interrupted" ? 130 : 0;
}

int fail(int code, std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "train: " << message << std::endl;
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains one network by gradient descent, with frozen and with locally learning first stages, and "
      "compares accuracy, time and memory.");
  try {
    return train(examples::read_settings(app, argc, argv));
  } catch (const CLI::ParseError& e) {
    return e.get_exit_code() == 0 ? app.exit(e) : fail(2, e.what());
  } catch (const lo::error& e) {
    return fail(2, e.what());
  } catch (const std::exception& e) {
    return fail(1, e.what());
  }
}
