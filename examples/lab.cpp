#include "lab.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "filter_picture.hpp"
#include "html_report.hpp"
#include "read_settings.hpp"
#include "report_json.hpp"
#include "resume.hpp"
#include "run_program.hpp"

#include <localis/core/error.hpp>
#include <localis/io/checkpoint.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/io/tensorboard_log.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace examples {

lab::lab(const settings& chosen, const pictures& data, const report_folder& folder, localis::summary network,
         std::vector<double> shares)
    : data_(data), folder_(folder), bar_(data.train.size() * chosen.epochs * chosen.runs.size() * chosen.seeds.size()) {
  all_.chosen = chosen;
  all_.data = data.name;
  all_.data_note = data.note;
  all_.train = data.train.size();
  all_.validation = data.validation.size();
  all_.test = data.test.size();
  all_.network = std::move(network);
  all_.shares = std::move(shares);
}

bool lab::is_there(const std::string& name, std::uint64_t seed, const conditions& how) {
  const auto found = std::find_if(all_.runs.begin(), all_.runs.end(),
                                  [&](const run_result& run) { return run.name == name && run.seed == seed; });
  if (found == all_.runs.end()) return false;
  const bool same = found->epochs == how.epochs && found->local_rate == how.local_rate;
  if (same) {
    bar_.skip(data_.train.size() * all_.chosen.epochs);
  } else {
    all_.runs.erase(found);
  }
  return same;
}

run_result lab::begin(const std::string& name, std::uint64_t seed, const conditions& how) {
  const settings& s = all_.chosen;
  bar_.begin(name, seed, data_.train.size() * how.epochs, data_.train.size() * s.epochs);
  return {.name = name,
          .seed = seed,
          .epochs = how.epochs,
          .local = how.local_rate > 0,
          .local_rate = how.local_rate,
          .note = std::string(s.of.find(name)->note)};
}

std::filesystem::path lab::checkpoint_of(const std::string& name, std::uint64_t seed) const {
  return folder_.path() / localis::text(typed_name(name), '-', seed, ".checkpoint");
}
namespace {

constexpr const char* filters_name = "filters.svg";

/// Of a run's own, within the report's.
std::string folder_of(const std::string& name, std::uint64_t seed) {
  return localis::text("runs/", typed_name(name), '-', seed, '/');
}

}  // namespace

void lab::keep(std::vector<run_result> runs) {
  for (run_result& run : runs) {
    std::ifstream file(folder_.path() / (folder_of(run.name, run.seed) + filters_name), std::ios::binary);
    run.filters.assign(std::istreambuf_iterator<char>(file), {});
  }
  all_.runs = std::move(runs);
}

std::function<void(const localis::epoch_record&)> lab::open_log(const std::string& name, std::uint64_t seed,
                                                                bool goes_on) const {
  namespace io = localis::io;
  const std::filesystem::path folder = folder_.path() / folder_of(name, seed);
  const auto before = goes_on ? io::existing_log::append : io::existing_log::replace;
  const auto labels = labels_of(name, seed);
  const io::tensorboard_log board(folder, before);  // makes the folder
  const io::csv_log csv(folder / "epochs.csv", before, labels);
  const io::json_lines_log json(folder / "epochs.jsonl", before, labels);
  return [=](const localis::epoch_record& record) {
    const localis::epoch_record counted = counted_from_one(record);
    csv(counted);
    json(counted);
    board(counted);
  };
}

std::string lab::drawn_filters(const localis::operation& layer, const std::vector<float>& before,
                               const std::vector<float>& after) {
  constexpr std::size_t most_units = 32;
  const std::size_t side = layer.field.width;
  const std::size_t channels = layer.in.channels;
  const std::size_t size = side * side * channels;
  const bool pictures = layer.field.height == side && side > 1 && (channels == 1 || channels == 3);
  if (!pictures || before.empty() || before.size() % size != 0) return {};
  const std::size_t units = std::min(most_units, before.size() / size);
  const auto sheet = [&](const char* title, const std::vector<float>& weights) {
    const auto end = weights.begin() + static_cast<std::ptrdiff_t>(units * size);
    return filter_sheet{title, {weights.begin(), end}, channels};
  };
  return drawn({sheet("before training", before), sheet("after training", after)}, side,
               std::min<std::size_t>(units, 16));
}

localis::stored_run<float> lab::read_checkpoint(const std::filesystem::path& file) {
  return localis::io::read_checkpoint<float>(file);
}
void lab::write_checkpoint(const localis::stored_run<float>& run, const std::filesystem::path& file) {
  localis::io::write_checkpoint(run, file);
}

void lab::end(run_result result) {
  if (result.finished() || result.diverged()) {
    std::error_code ignored;
    std::filesystem::remove(checkpoint_of(result.name, result.seed), ignored);
  }
  bar_.end(result);
  if (!result.filters.empty()) folder_.write(folder_of(result.name, result.seed) + filters_name, result.filters);
  all_.runs.push_back(std::move(result));
  save();
}

void lab::finish() {
  all_.ending = interrupted() ? "interrupted" : "finished";
  if (all_.ending == "interrupted" && all_.message.empty()) all_.message = "interrupted between two runs";
  save();
}

void lab::save() const {
  folder_.write("epochs.csv", epochs_csv(all_));
  folder_.write("report.json", report_json(all_));
  folder_.write("report.html", report_html(all_));
  folder_.write("table.md", markdown_table(all_.results()));
}

std::size_t short_epochs(const lab& lab, const std::string& of, std::uint64_t seed) {
  const settings& s = lab.all().chosen;
  if (s.short_epochs) return *s.short_epochs;
  const run_result* other = lab.all().find(of, seed);
  if (other == nullptr) return s.epochs;  // interrupted before, or diverged
  double seconds = 0;
  std::size_t epochs = 0;
  const run_result* sgd = lab.all().find("sgd", seed);
  for (const localis::epoch_record& e : (sgd != nullptr ? sgd : other)->report.epochs) {
    if (e.boundary > 0) continue;  // until its boundary moves, the other run is gradient descent as well
    seconds += e.seconds;
    ++epochs;
  }
  const double fitting = other->report.seconds * static_cast<double>(epochs) / seconds;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(fitting)));
}

namespace {

/// What would only show after hours.
void check(const settings& s, const pictures& data, const localis::summary& network) {
  if (s.batch > data.train.size()) {
    throw localis::config_error(
        localis::text("--batch: expected at most the ", data.train.size(), " training pictures, found ", s.batch));
  }
  const localis::schedule_limits limits{network.stages, network.highest_boundary, s.epochs,
                                        (data.train.size() + s.batch - 1) / s.batch};
  auto linear = s.linear;
  linear.start(limits);
  auto dynamic = s.dynamic;
  dynamic.start(limits);
  s.gain.validate();
}

/// The head of what the program tells.
void tell_plan(const lab& lab, const report_folder& folder) {
  const experiment& all = lab.all();
  const settings& s = all.chosen;
  if (!all.data_note.empty()) std::cout << "NOTE: " << all.data_note << '\n';
  std::cout << "pictures: " << all.data << ", " << grouped(all.train) << " to train with, " << grouped(all.validation)
            << " to validate, " << grouped(all.test) << " to test\n"
            << "runs:     " << joined(s.runs, ", ")
            << (s.added.empty() ? "" : " (" + s.added + " because another run follows it)") << '\n'
            << "          " << s.epochs << " epochs, batch " << s.batch << ", " << s.seeds.size()
            << (s.seeds.size() == 1 ? " seed, " : " seeds, ") << all.network.threads << " threads, "
            << all.network.instructions << '\n'
            << "report:   " << folder.path().string() << "\n\n";
  if (!all.runs.empty()) std::cout << "from before: " << all.runs.size() << " runs\n\n";
}

/// Its end.
void tell_results(lab& lab, const report_folder& folder) {
  const experiment& all = lab.all();
  const auto rows = all.table();
  if (!rows.empty()) {
    lab.bar().say("");
    std::cout << (all.chosen.of.of_rules ? markdown_table(all.results()) : text_table(all.results())) << '\n'
              << text_table(memory_cells(rows)) << '\n';
    for (const std::string_view note : all.notes()) std::cout << note << '\n';
    std::cout << '\n';
    for (const std::string& verdict : all.verdicts()) std::cout << verdict << '\n';
  }
  lab.bar().say(
      localis::text("report: ", (folder.path() / "report.html").string(), ", epochs.csv, report.json, table.md"));
}

}  // namespace

int compare(const settings& chosen, const pictures& data, localis::summary network, std::vector<double> shares,
            const std::function<void(lab&, std::uint64_t seed)>& runs) {
  check(chosen, data, network);
  const report_folder folder(chosen.out);
  lab lab(chosen, data, folder, std::move(network), std::move(shares));
  if (chosen.resume) lab.keep(read_runs(folder.path(), lab.all()));
  tell_plan(lab, folder);

  watch_for_interrupt();
  for (const std::uint64_t seed : chosen.seeds) runs(lab, seed);
  lab.finish();
  tell_results(lab, folder);
  if (lab.all().ending == "interrupted") {
    std::cout << lab.all().message << "; --resume --out " << folder.path().string() << " goes on" << std::endl;
    return 130;
  }
  // Where rules are compared, one that diverges is a result like any other.
  if (lab.diverged().empty() || chosen.of.of_rules) return 0;
  std::cerr << chosen.of.name << ": " << lab.diverged() << std::endl;
  return 3;
}

int run_comparison(const program& of, const char* what, int argc, char** argv, const settings& defaults,
                   const std::function<int(const settings&)>& work) {
  return run_program(of.name, what, [&](CLI::App& app) { return work(read_settings(app, argc, argv, of, defaults)); });
}

}  // namespace examples
