#include "lab.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../rank_program.hpp"
#include "../ranks.hpp"
#include "read_settings.hpp"
#include "report/filter_picture.hpp"
#include "report/html_report.hpp"
#include "report/report_json.hpp"
#include "resume.hpp"
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>
#include <localis/io/checkpoint_folder.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/file_lock.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/io/tensorboard_log.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/learning_rate/warm_up.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace examples {

namespace {

/// The name of the stored state of a run.
std::string stored_name(const std::string& name, std::uint64_t seed) {
  return localis::text(typed_name(name), '-', seed);
}

}  // namespace

lab::lab(const settings& chosen, const pictures& data, const report_folder* folder, localis::summary network,
         std::vector<double> fractions)
    : data_(data),
      folder_(folder),
      bar_(data.train.size() * chosen.epochs * chosen.runs.size() * chosen.seeds.size()),
      checkpoints_(chosen.checkpoints.empty() && folder != nullptr ? folder->path() / "checkpoints"
                                                                   : chosen.checkpoints) {
  all_.chosen = chosen;
  // Values that the machine and the data determined are written down, so that the runs can be repeated.
  std::error_code ignored;
  all_.chosen.digits = takes_digits(chosen);
  all_.chosen.data = std::filesystem::absolute(chosen.data, ignored);
  all_.chosen.threads = network.threads;
  all_.chosen.validation = data.validation.size();
  all_.data = data.name;
  all_.data_note = data.note;
  all_.class_names = data.class_names;
  all_.train = data.train.size();
  all_.validation = data.validation.size();
  all_.test = data.test.size();
  all_.network = std::move(network);
  all_.work_fractions = std::move(fractions);
}

lab::~lab() = default;

bool lab::is_there(const std::string& name, std::uint64_t seed, const conditions& options) {
  anew_ = false;
  const auto found = std::find_if(all_.runs.begin(), all_.runs.end(),
                                  [&](const run_result& run) { return run.name == name && run.seed == seed; });
  if (found == all_.runs.end()) return false;
  const bool longer = grows_ && found->epochs < options.epochs;
  const bool same = found->epochs == options.epochs && found->local_rate == options.local_rate;
  if (same && (found->finished() || found->diverged())) {
    bar_.skip(data_.train.size() * all_.chosen.epochs);
    return true;
  }
  anew_ = found->local_rate != options.local_rate || (found->epochs != options.epochs && !longer);
  all_.runs.erase(found);
  return false;
}

lab::rate_function lab::learning_rate_of(const std::string& name, const conditions& options) const {
  const settings& s = all_.chosen;
  auto falling = s.learning_rate;
  falling.base.rate = s.learning_rate_of(name);
  if (!options.constant_rate) return falling;
  return localis::learning_rate::warm_up{localis::learning_rate::constant{falling.base.rate}, falling.epochs,
                                         falling.start_factor};
}

run_result lab::begin(const std::string& name, std::uint64_t seed, const conditions& options) {
  const settings& s = all_.chosen;
  stored_ = std::make_unique<localis::io::checkpoint_folder>(checkpoints_, stored_name(name, seed), s.keep);
  bar_.begin(name, seed, data_.train.size() * options.epochs, data_.train.size() * s.epochs);
  return {.name = name,
          .seed = seed,
          .epochs = options.epochs,
          .local = options.local_rate > 0,
          .local_rate = options.local_rate,
          .note = std::string(s.comparison.find(name)->note)};
}

namespace {

constexpr const char* filters_name = "filters.svg";

/// The name of a run's folder within that of the report.
std::string folder_of(const std::string& name, std::uint64_t seed) {
  return localis::text("runs/", stored_name(name, seed), '/');
}

}  // namespace

void lab::keep(earlier_runs earlier) {
  const settings& s = all_.chosen;
  grows_ = earlier.epochs > 0 && earlier.epochs < s.epochs;
  for (const run_result& run : earlier.runs) {
    const bool goes_on = ranks().first() && grows_ && run.finished() && s.wants(run.name) &&
                         std::find(s.seeds.begin(), s.seeds.end(), run.seed) != s.seeds.end();
    if (!goes_on || !localis::io::checkpoint_folder(checkpoints_, stored_name(run.name, run.seed)).files().empty()) {
      continue;
    }
    throw localis::config_error(localis::text(
        "--epochs: expected a checkpoint of ", run.name, ", seed ", run.seed, ", to go on from after its ", run.epochs,
        " epochs, found none in ", checkpoints_.string(), "; --every keeps them, another --out begins anew"));
  }
  for (run_result& run : earlier.runs) {
    if (folder_ == nullptr) break;
    std::ifstream file(folder_->path() / (folder_of(run.name, run.seed) + filters_name), std::ios::binary);
    run.filters.assign(std::istreambuf_iterator<char>(file), {});
  }
  all_.runs = std::move(earlier.runs);
  all_.machine_note = std::move(earlier.machine_note);
}

std::function<void(const localis::epoch_record&)> lab::open_log(const std::string& name, std::uint64_t seed,
                                                                bool goes_on) const {
  namespace io = localis::io;
  std::function<void(const localis::epoch_record&)> log = [](const localis::epoch_record&) {};
  run_on_first([&] {
    const std::filesystem::path folder = folder_->path() / folder_of(name, seed);
    const auto mode = goes_on ? io::existing_log::append : io::existing_log::replace;
    const auto labels = labels_of(name, seed);
    const io::tensorboard_log board(folder, mode);  // makes the folder
    const io::csv_log csv(folder / "epochs.csv", mode, labels);
    const io::json_lines_log json(folder / "epochs.jsonl", mode, labels);
    log = [=](const localis::epoch_record& record) {
      const localis::epoch_record counted = counted_from_one(record);
      csv(counted);
      json(counted);
      board(counted);
    };
  });
  return log;
}

std::string lab::drawn_filters(const localis::operation& layer, const std::vector<float>& initial_weights,
                               const std::vector<float>& trained_weights) {
  constexpr std::size_t most_units = 32;
  const std::size_t side = layer.field.width;
  const std::size_t channels = layer.in.channels;
  const std::size_t size = side * side * channels;
  const bool pictures = layer.field.height == side && side > 1 && (channels == 1 || channels == 3);
  if (!pictures || initial_weights.empty() || initial_weights.size() % size != 0) return {};
  const std::size_t units = std::min(most_units, initial_weights.size() / size);
  const auto sheet = [&](const char* title, const std::vector<float>& weights) {
    const auto end = weights.begin() + static_cast<std::ptrdiff_t>(units * size);
    return filter_sheet{title, {weights.begin(), end}, channels};
  };
  return drawn({sheet("before training", initial_weights), sheet("after training", trained_weights)}, side,
               std::min<std::size_t>(units, 16));
}

bool lab::take_up(const std::function<void(const localis::stored_run<float>&)>& restore) {
  if (anew_) return false;
  try {
    std::optional<localis::io::checkpoint_file<float>> found;
    const std::string bytes = text_of_first([&] {
      found = stored_->read<float>([this](const localis::checkpoint_error& damaged) {
        bar_.say(localis::text("NOTE: ", damaged.what(), "; looking for one before it"));
      });
      return found && ranks().size() > 1 ? localis::io::detail::packed(*found) : std::string();
    });
    if (!ranks().first() && !bytes.empty()) found = localis::io::detail::unpacked<float>(bytes);
    if (!found) return false;
    try {
      restore(found->run);
    } catch (const localis::checkpoint_error& other) {
      throw localis::checkpoint_error(localis::text(found->path.string(), ": ", other.what()));
    }
    const auto& state = found->run.state;
    bar_.say(
        localis::text("goes on from ", found->path.string(), ": epoch ", state.epoch + 1, ", step ", state.step + 1));
    return true;
  } catch (const localis::checkpoint_error& failure) {
    throw localis::config_error(
        localis::text("--resume: ", failure.what(), "; without these files the run begins anew"));
  }
}

void lab::write_checkpoint(const std::function<localis::stored_run<float>()>& store) {
  run_on_first([&] { stored_->write(store()); });
}

void lab::end(run_result result) {
  bar_.end(result);
  all_.runs.push_back(std::move(result));
  run_on_first([this] {
    const run_result& run = all_.runs.back();
    // A user who asks for checkpoints keeps the last ones; otherwise they serve only to continue an interrupted run.
    if (all_.chosen.every == 0 && (run.finished() || run.diverged())) stored_->clear();
    if (!run.filters.empty()) folder_->write(folder_of(run.name, run.seed) + filters_name, run.filters);
    save();
  });
}

void lab::finish() {
  all_.ending = on_any_rank(interrupted()) ? "interrupted" : "finished";
  if (all_.ending == "interrupted" && all_.message.empty()) all_.message = "interrupted between two runs";
  run_on_first([this] { save(); });
}

void lab::save() const {
  folder_->write("epochs.csv", epochs_csv(all_));
  folder_->write("report.json", report_json(all_));
  folder_->write("report.html", report_html(all_));
  const cells curve = frontier_cells(all_.on_frontier());
  folder_->write("table.md", markdown_table(all_.results()) + (curve.empty() ? "" : '\n' + markdown_table(curve)));
}

namespace {

/// The number of epochs of gradient descent that comes closest to the training time of a run.
std::size_t fitting_epochs(const lab& lab, const run_result& other) {
  double seconds = 0;
  std::size_t epochs = 0;
  const run_result* sgd = lab.all().find("sgd", other.seed);
  for (const localis::epoch_record& e : (sgd != nullptr ? *sgd : other).report.epochs) {
    if (e.boundary > 0) continue;  // until its boundary moves, the other run is gradient descent as well
    seconds += e.seconds;
    ++epochs;
  }
  const double fitting = other.report.seconds * static_cast<double>(epochs) / seconds;
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(fitting)));
}

}  // namespace

std::size_t short_epochs(const lab& lab, const std::string& name, std::uint64_t seed) {
  const settings& s = lab.all().chosen;
  if (s.short_epochs) return *s.short_epochs;
  const run_result* other = lab.all().find(name, seed);
  if (other == nullptr) return s.epochs;  // interrupted before, or diverged
  // Each rank has measured times of its own.
  const std::string epochs = text_of_first([&] { return std::to_string(fitting_epochs(lab, *other)); });
  std::size_t result = 0;
  std::from_chars(epochs.data(), epochs.data() + epochs.size(), result);
  return result;
}

namespace {

/// Checks, before the first run, for errors that would otherwise appear after hours.
void check(const settings& s, const localis::summary& network, std::size_t steps) {
  const localis::schedule_limits limits{network.stages, network.highest_boundary, s.epochs, steps};
  auto linear = s.linear;
  linear.start(limits);
  auto dynamic = s.dynamic;
  dynamic.start(limits);
  s.gain.validate();
}

void tell_runs(const settings& s, const localis::summary& network) {
  std::cout << "runs:     " << joined(s.runs, ", ")
            << (s.added.empty() ? "" : " (" + s.added + " because another run follows it)") << '\n'
            << "          " << s.epochs << " epochs, batch " << s.batch << ", " << s.seeds.size()
            << (s.seeds.size() == 1 ? " seed, " : " seeds, ")
            << (ranks().size() > 1 ? localis::text(ranks().size(), " ranks of ") : "") << network.threads
            << " threads, " << network.instructions << '\n';
}

/// Prints the plan of the comparison.
void tell_plan(const lab& lab, const report_folder& folder) {
  const experiment& all = lab.all();
  for (const std::string& note : {all.data_note, all.machine_note}) {
    if (!note.empty()) std::cout << "NOTE: " << note << '\n';
  }
  std::cout << "pictures: " << all.data << ", " << grouped(all.train) << " to train with, " << grouped(all.validation)
            << " to validate, " << grouped(all.test) << " to test\n";
  tell_runs(all.chosen, all.network);
  std::cout << "report:   " << folder.path().string() << "\n\n";
  const auto ended = std::count_if(all.runs.begin(), all.runs.end(),
                                   [](const run_result& run) { return run.finished() || run.diverged(); });
  if (ended > 0) std::cout << "from before: " << ended << " runs\n\n";
}

/// Prints the results of the comparison.
void tell_results(lab& lab, const report_folder& folder) {
  const experiment& all = lab.all();
  const auto rows = all.table();
  if (!rows.empty()) {
    lab.bar().say("");
    std::cout << (all.chosen.comparison.of_rules ? markdown_table(all.results()) : text_table(all.results())) << '\n'
              << text_table(memory_cells(rows)) << '\n';
    for (const std::string_view note : all.notes()) std::cout << note << '\n';
    std::cout << '\n';
    const frontier curve = all.on_frontier();
    if (!curve.rows.empty()) {
      std::cout << text_table(frontier_cells(curve)) << '\n';
      for (const std::string_view note : frontier_notes) std::cout << note << '\n';
      std::cout << '\n';
      for (const std::string& verdict : frontier_verdicts(curve)) std::cout << verdict << '\n';
    }
    for (const std::string& verdict : all.verdicts()) std::cout << verdict << '\n';
  }
  lab.bar().say(localis::text("report: ", (folder.path() / "report.html").string(),
                              ", epochs.csv, report.json, run.json, table.md"));
}

}  // namespace

void check_folders(const settings& s) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto exists = [&](const char* name) { return fs::exists(fs::symlink_status(s.out / name, ignored)); };
  if (s.resume) {
    if (exists("run.json") || exists("report.json")) return;
    throw localis::config_error(localis::text(
        "--resume: ", s.out.string(), ": expected the folder of a comparison, found ",
        fs::exists(s.out, ignored) ? "no run.json in it" : "none", "; without --resume one begins there"));
  }
  const auto refuse = [](const char* option, const fs::path& found) {
    throw localis::config_error(localis::text(option, ": expected a folder without a comparison, found ",
                                              found.string(),
                                              "; --resume goes on with it, another folder begins anew"));
  };
  for (const char* name : {"run.json", "report.json", "report.html", "epochs.csv", "table.md", "runs", "checkpoints"}) {
    if (!s.out.empty() && exists(name)) refuse("--out", s.out / name);
  }
  if (s.checkpoints.empty() || !fs::is_directory(s.checkpoints, ignored)) return;
  for (const std::string& run : s.runs) {
    for (const std::uint64_t seed : s.seeds) {
      const auto files = localis::io::checkpoint_folder(s.checkpoints, stored_name(run, seed)).files();
      if (!files.empty()) refuse("--checkpoint", files.front());
    }
  }
}

int compare(const settings& chosen, const pictures& data, localis::summary network, std::vector<double> fractions,
            const std::function<void(lab&, std::uint64_t seed)>& runs) {
  if (chosen.batch > data.train.size()) {
    throw localis::config_error(
        localis::text("--batch: expected at most the ", data.train.size(), " training pictures, found ", chosen.batch));
  }
  check(chosen, network, (data.train.size() + chosen.batch - 1) / chosen.batch);
  std::optional<report_folder> folder;
  std::optional<localis::io::file_lock> in_use;
  run_on_first([&] {
    check_folders(chosen);
    folder.emplace(chosen.out);
    try {
      in_use.emplace(folder->path() / ".localis.lock");
    } catch (const localis::data_error& taken) {
      throw localis::config_error(localis::text("--out: ", taken.what()));
    }
    check_folders(chosen);  // another may just have been at work there
    if (!chosen.checkpoints.empty()) (void)report_folder(chosen.checkpoints, "--checkpoint");  // or else hours later
  });
  lab lab(chosen, data, folder ? &*folder : nullptr, std::move(network), std::move(fractions));
  if (chosen.resume) {
    const std::string report = text_of_first([&] {
      lab.keep(read_runs(folder->path(), lab.all()));
      std::ifstream file(folder->path() / "report.json", std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    });
    if (!ranks().first()) lab.keep(runs_in(report));
  }
  run_on_first([&] {
    folder->write("run.json",
                  settings_json(lab.all().chosen).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
    tell_plan(lab, *folder);
  });

  watch_for_interrupt();
  for (const std::uint64_t seed : chosen.seeds) runs(lab, seed);
  lab.finish();
  if (folder) tell_results(lab, *folder);
  if (lab.all().ending == "interrupted") {
    const auto word = [](const std::filesystem::path& path) { return shell_word(path.native()); };
    if (folder) {
      std::cout << lab.all().message << "; --config " << word(folder->path() / "run.json") << " --resume --out "
                << word(folder->path())
                << (chosen.checkpoints.empty() ? "" : " --checkpoint " + word(chosen.checkpoints)) << " goes on"
                << std::endl;
    }
    return interrupted_status();
  }
  // Where rules are compared, one that diverges is a result like any other.
  if (lab.diverged().empty() || chosen.comparison.of_rules) return 0;
  if (folder) std::cerr << chosen.comparison.name << ": " << lab.diverged() << std::endl;
  return 3;
}

int tell_dry_run(const settings& chosen, const localis::summary& local, const localis::summary& frozen) {
  check(chosen, local, 1);
  constexpr std::size_t state_arrays = decltype(settings::optimizer)::step<float>::state_arrays;
  cells rows{{"MB", "weights", "optimizer", "activations", "gradients", "scratch", "arena", "in all"}};
  const auto add = [&](const std::string& label, const localis::summary& plan,
                       const localis::summary::memory_row& row) {
    const std::size_t weights = plan.parameter_bytes + plan.rule_state_bytes;
    const std::size_t optimizer = state_arrays * row.optimizer_arrays;
    rows.push_back({label, megabytes(weights), megabytes(optimizer), megabytes(row.activations),
                    megabytes(row.gradients), megabytes(row.scratch), megabytes(row.arena),
                    megabytes(weights + optimizer + row.arena)});
  };
  add("T = 0, all stages by gradient", local, local.memory.front());
  const std::string highest = localis::text("T = ", local.highest_boundary, ", highest, ");
  add(highest + "localized", local, local.memory.back());
  add(highest + "frozen", frozen, frozen.memory.back());

  localis::summary network = local;
  network.memory.clear();  // a row for each boundary; the ends follow
  std::error_code ignored;
  std::cout
      << network << "\nMemory of a training step" << (ranks().size() > 1 ? " of a rank" : "") << ", batch "
      << chosen.batch << ", " << local.threads << " threads:\n\n"
      << text_table(rows)
      << "\nMB: 10^6 bytes. Activations, gradients, scratch: each at its own worst moment, in one piece of memory, "
         "the arena, by turns.\nA run that begins at T = 0 needs the first row once, and the others once its "
         "boundary is there for good.\n\npictures: "
      << (takes_digits(chosen)                                  ? "the embedded digits"
          : std::filesystem::is_directory(chosen.data, ignored) ? chosen.data.string() + ", there, not read"
                                                                : chosen.data.string() + ", no such folder")
      << '\n';
  tell_runs(chosen, local);
  std::cout << "dry run:  nothing was read, trained or written" << std::endl;
  return 0;
}

int run_comparison(const settings& defaults, int argc, const char* const* argv,
                   const std::function<int(const settings&)>& work) {
  return run_on_ranks(defaults.comparison.name, defaults.comparison.what, [&](CLI::App& app) {
    settings chosen = read_settings(app, argc, argv, defaults);
    chosen.threads = thread_count(chosen.threads);
    return work(chosen);
  });
}

}  // namespace examples
