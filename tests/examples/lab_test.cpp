#include "lab/lab.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "lab/pictures.hpp"
#include "lab/read_settings.hpp"
#include "lab/settings.hpp"
#include "support/temporary_folder.hpp"
#include <CLI/CLI.hpp>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/core/utf8.hpp>
#include <localis/io/file_lock.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/none.hpp>

namespace lo = localis;
namespace fs = std::filesystem;
using examples::settings;
using strings = std::vector<std::string>;

namespace {

using net = lo::network<lo::image<28, 28, 1>, lo::dense<6, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>,
                        lo::relu, lo::dense<10>>;
using model = lo::model<net>;

constexpr examples::run_kind kinds[] = {{.name = "one"}, {.name = "two"}};
constexpr std::size_t steps = 10;  // of an epoch

/// Two runs of three epochs, their pictures aside.
settings few(const fs::path& out) {
  settings s;
  s.comparison = {.name = "few", .kinds = kinds};
  s.runs = {"one", "two"};
  s.digits = true;
  s.pictures = 80;
  s.batch = 8;
  s.epochs = 3;
  s.threads = 1;
  s.out = out;
  return s;
}

/// Sends a signal when so many pictures have been read: by another thread, ahead of the steps, so that the run may stop
/// a step earlier or later.
class alarm_clock {
 public:
  alarm_clock(const localis::data::any& source, std::size_t reads, int signal)
      : source_(&source), left_(std::make_shared<std::size_t>(reads)), signal_(signal) {}
  [[nodiscard]] std::size_t size() const { return source_->size(); }
  [[nodiscard]] std::size_t height() const { return source_->height(); }
  [[nodiscard]] std::size_t width() const { return source_->width(); }
  [[nodiscard]] std::size_t channels() const { return source_->channels(); }
  [[nodiscard]] std::size_t classes() const { return source_->classes(); }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    if (*left_ > 0 && --*left_ == 0) std::raise(signal_);
    return source_->read(index, features);
  }

 private:
  const localis::data::any* source_;
  std::shared_ptr<std::size_t> left_;
  int signal_;
};

struct outcome {
  int status = 0;
  std::string told;
};

/// @param reads  of training pictures, behind which the signal comes; 0: never
outcome work(const settings& chosen, std::size_t reads = 0, int signal = SIGINT) {
  examples::detail::interrupt_seen = 0;
  std::ostringstream told;
  std::streambuf* buffer = std::cout.rdbuf(told.rdbuf());
  struct restore {
    std::streambuf* target;
    ~restore() { std::cout.rdbuf(target); }
  } const restored{buffer};
  const auto load = [&] {
    examples::pictures data = examples::load_pictures(chosen);
    if (reads > 0) {
      data.train = localis::data::any_view(
          data.train, [&](const localis::data::any& pictures) { return alarm_clock(pictures, reads, signal); });
    }
    return data;
  };
  const auto make = [&](std::uint64_t seed) { return model{{.seed = seed}, lo::cpu::backend<float>({.threads = 1})}; };
  const int status = examples::compare<model>(chosen, load, make, [&](examples::lab& lab, std::uint64_t seed) {
    for (const char* name : {"one", "two"}) {
      const double rate = std::string(name) == "one" ? 0 : chosen.local_rate;
      lab.run(name, seed, make, chosen.linear, lo::supervision::none{}, {.local_rate = rate, .epochs = chosen.epochs});
    }
  });
  return {status, told.str()};
}

strings names_in(const fs::path& folder) {
  strings names;
  if (!fs::exists(folder)) return names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

nlohmann::json json_of(const fs::path& file) {
  std::ifstream in(file);
  return nlohmann::json::parse(in);
}

/// What a report says of its runs, times aside.
nlohmann::json runs_of(const fs::path& out) {
  nlohmann::json runs = json_of(out / "report.json").at("runs");
  for (auto& run : runs) {
    for (const char* time : {"seconds", "processor_seconds"}) {
      run.erase(time);
      for (auto& epoch : run.at("epochs")) epoch.erase(time);
    }
  }
  return runs;
}

std::vector<float> weights_in(const fs::path& checkpoint) {
  lo::io::safetensors file(checkpoint);
  std::vector<float> all;
  for (const std::string& name : file.names()) {
    std::vector<float> values(file.info(name).size());
    file.read(name, values);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

template <class F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const lo::config_error& failure) {
    return failure.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("lab: checkpoints stay where they are asked for, the last ones of each run, and nowhere else") {
  const temporary_folder here;
  settings s = few(here / "out");
  CHECK(work(s).status == 0);
  CHECK(names_in(s.out) == strings{"epochs.csv", "report.html", "report.json", "run.json", "runs", "table.md"});
  s.every = 4;
  s.keep = 2;
  fs::remove_all(s.out);
  CHECK(work(s).status == 0);
  CHECK(names_in(s.out / "checkpoints") == strings{"one-1-step-000000028.checkpoint", "one-1-step-000000030.checkpoint",
                                                   "two-1-step-000000028.checkpoint",
                                                   "two-1-step-000000030.checkpoint"});
  s.checkpoints = here / "elsewhere";
  fs::remove_all(s.out);
  CHECK(work(s).status == 0);
  CHECK(names_in(s.checkpoints).size() == 4);
  CHECK_FALSE(fs::exists(s.out / "checkpoints"));
}

TEST_CASE("lab: a signal stores the run, ends with its status, and the run goes on to the same weights") {
  const temporary_folder here;
  settings whole = few(here / "whole");
  whole.every = 100;  // behind each epoch
  whole.keep = 1;
  REQUIRE(work(whole).status == 0);
  const std::string last = "one-1-step-000000030.checkpoint";
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    settings s = few(here / "broken");
    fs::remove_all(s.out);
    const outcome first = work(s, 80 + 8 * 3 + 1, signal);  // the fourth step of the second epoch
    CHECK(first.status == 128 + signal);
    const strings stored = names_in(s.out / "checkpoints");
    REQUIRE(stored.size() == 1);
    const std::string name = "one-1-step-";
    REQUIRE(stored[0].find(name + "0000000") == 0);
    const std::size_t steps = std::stoul(stored[0].substr(name.size(), 9));
    CHECK(first.told.find(localis::text("interrupted in one, seed 1, epoch 2 of 3, step ", steps - 10,
                                        " of 10; --config ")) != std::string::npos);
    CHECK(json_of(s.out / "report.json").at("ending") == "interrupted");

    s.resume = true;
    s.every = whole.every;
    s.keep = whole.keep;
    const outcome second = work(s);
    CHECK(second.status == 0);
    CHECK(second.told.find(localis::text("goes on from ", (s.out / "checkpoints" / stored[0]).string(),
                                         ": epoch 2, step ", steps - 9, '\n')) != std::string::npos);
    CHECK(runs_of(s.out) == runs_of(whole.out));
    CHECK(weights_in(s.out / "checkpoints" / last) == weights_in(whole.out / "checkpoints" / last));
    // Nothing is left to do.
    const auto time = fs::last_write_time(s.out / "checkpoints" / last);
    CHECK(work(s).told.find("from before: 2 runs\n") != std::string::npos);
    CHECK(fs::last_write_time(s.out / "checkpoints" / last) == time);
    // Without being asked for, what the interrupted run stored is gone in the end.
    CHECK(work(few(here / "quiet"), 100, signal).status == 128 + signal);
    settings quiet = few(here / "quiet");
    quiet.resume = true;
    CHECK(work(quiet).status == 0);
    CHECK_FALSE(fs::exists(quiet.out / "checkpoints"));
    fs::remove_all(quiet.out);
  }
}

TEST_CASE("lab: a checkpoint that does not load is told, and the one before it taken up") {
  const temporary_folder here;
  const settings whole = few(here / "whole");
  REQUIRE(work(whole).status == 0);
  settings s = few(here / "broken");
  s.every = 5;
  CHECK(work(s, 80 + 8 * 7 + 1).status == 130);
  const fs::path folder = s.out / "checkpoints";
  const strings stored = names_in(folder);
  REQUIRE(stored.size() == 3);
  CHECK(stored[0] == "one-1-step-000000010.checkpoint");
  CHECK(stored[1] == "one-1-step-000000015.checkpoint");
  fs::resize_file(folder / stored[2], 5000);
  s.resume = true;
  const outcome second = work(s);
  CHECK(second.status == 0);
  const auto told = second.told.find("NOTE: " + (folder / stored[2]).string() + ": ");
  REQUIRE(told != std::string::npos);
  CHECK(second.told.find("goes on from " + (folder / stored[1]).string(), told) != std::string::npos);
  CHECK(runs_of(s.out) == runs_of(whole.out));

  // Where none loads, nothing is begun anew in silence.
  settings lost = few(here / "lost");
  CHECK(work(lost, 100).status == 130);
  const std::string file = (lost.out / "checkpoints" / names_in(lost.out / "checkpoints").at(0)).string();
  fs::resize_file(file, 10);
  lost.resume = true;
  const std::string refused = refusal([&] { (void)work(lost); });
  CHECK(refused.find("--resume: expected a checkpoint that loads, found none among 1; the last one: " + file) == 0);
  CHECK(fs::exists(file));
}

TEST_CASE("lab: a checkpoint of other conditions is not gone on with") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.runs = {"two"};
  s.every = 5;
  CHECK(work(s, 100).status == 130);
  s.resume = true;
  s.local_rate = 1e-4;
  const outcome second = work(s);
  CHECK(second.status == 0);
  CHECK(second.told.find("goes on from") == std::string::npos);
  settings fresh = few(here / "fresh");
  fresh.runs = {"two"};
  fresh.local_rate = 1e-4;
  CHECK(work(fresh).status == 0);
  CHECK(runs_of(s.out) == runs_of(fresh.out));
}

TEST_CASE("lab: finished runs go on for more epochs, to the same weights where no schedule depends on their number") {
  const temporary_folder here;
  settings whole = few(here / "whole");
  whole.epochs = 5;
  whole.every = 100;
  whole.keep = 1;
  whole.learning_rate.base.last = whole.learning_rate.base.rate;
  whole.linear.end = 2;
  REQUIRE(work(whole).status == 0);
  settings s = whole;
  s.out = here / "out";
  s.epochs = 3;
  REQUIRE(work(s).status == 0);
  s.resume = true;
  s.epochs = 5;
  const outcome longer = work(s);
  CHECK(longer.status == 0);
  CHECK(longer.told.find("NOTE: Runs of") == std::string::npos);
  for (const char* run : {"one", "two"}) {
    CHECK(longer.told.find(localis::text("goes on from ", (s.out / "checkpoints" / run).string(),
                                         "-1-step-000000030.checkpoint")) != std::string::npos);
    const std::string last = localis::text(run, "-1-step-000000050.checkpoint");
    CHECK(weights_in(s.out / "checkpoints" / last) == weights_in(whole.out / "checkpoints" / last));
  }
  CHECK(runs_of(s.out) == runs_of(whole.out));

  // A schedule that depends on it is told, in the report as well.
  s.learning_rate.base.last = 0;
  s.linear = {};
  s.out = here / "other";
  s.resume = false;
  s.epochs = 3;
  REQUIRE(work(s).status == 0);
  s.resume = true;
  s.epochs = 4;
  const std::string note =
      "Runs of 3 epochs went on to 4: the learning rate (unless --final-rate is that of --learning-rate) and the "
      "static "
      "boundary (without --end) depend on the number of epochs, and runs of 4 epochs without a break have other "
      "results.";
  CHECK(work(s).told.find("NOTE: " + note) != std::string::npos);
  CHECK(json_of(s.out / "report.json").at("machine").at("note") == note);
  CHECK(runs_of(s.out)[0].at("epochs").size() == 4);
}

TEST_CASE("lab: --diagnose records each epoch, the same after an interruption, and changes nothing but memory") {
  const temporary_folder here;
  settings plain = few(here / "plain");
  plain.learning_rate.base.rate = 0.0003;  // with larger steps, all units of stage 0 die
  settings whole = plain;
  whole.out = here / "whole";
  whole.diagnose = true;
  REQUIRE(work(plain).status == 0);
  REQUIRE(work(whole).status == 0);
  const nlohmann::json runs = runs_of(whole.out);
  const auto without_diagnosis = [](nlohmann::json all) {
    for (auto& run : all) {
      run.erase("bytes");
      for (auto& epoch : run.at("epochs")) {
        for (const char* name : {"bytes", "stage_cosines", "stage_part_cosines", "stage_dead_fractions"})
          epoch.erase(name);
      }
    }
    return all;
  };
  CHECK(without_diagnosis(runs) == without_diagnosis(runs_of(plain.out)));
  for (const auto& epoch : runs.at(0).at("epochs")) {  // its stage is frozen
    CHECK(epoch.at("stage_cosines") == nlohmann::json{nullptr, nullptr});
    CHECK(epoch.at("stage_dead_fractions").at(0).is_number());
  }
  for (const auto& epoch : runs.at(1).at("epochs")) {
    const double cosine = epoch.at("stage_cosines").at(0);
    CHECK(cosine != 0);
    CHECK(std::abs(cosine) <= 1);
    CHECK(epoch.at("stage_cosines").at(1) == nullptr);
  }
  CHECK_FALSE(runs_of(plain.out).at(1).at("epochs").at(0).contains("stage_cosines"));
  const auto page = [](const settings& s) { return file_content(s.out / "report.html"); };
  CHECK(page(whole).find("<h2>Update alignment</h2>") != std::string::npos);
  CHECK(page(plain).find("<h2>Update alignment</h2>") == std::string::npos);
  const std::string csv = file_content(whole.out / "epochs.csv");
  CHECK(csv.find(",stage_cosines.0,stage_cosines.1,stage_part_cosines.0,stage_part_cosines.1,stage_dead_fractions.0,"
                 "stage_dead_fractions.1\r\n") != std::string::npos);
  CHECK(file_content(whole.out / "runs/two-1/epochs.csv").find(",stage_cosines.0,") != std::string::npos);
  CHECK(file_content(plain.out / "epochs.csv").find("stage_cosines") == std::string::npos);
  CHECK(json_of(whole.out / "run.json").at("diagnose") == true);

  settings broken = whole;
  broken.out = here / "broken";
  CHECK(work(broken, 80 + 8 * 3 + 1).status == 130);  // in the second epoch
  broken.resume = true;
  CHECK(work(broken).status == 0);
  CHECK(runs_of(broken.out) == runs);
  broken.diagnose = false;
  CHECK(refusal([&] { (void)work(broken); }) ==
        "--resume: " + (broken.out / "report.json").string() +
            ": expected the report of a comparison like this one, found one with settings diagnose: then true, now "
            "false");
}

TEST_CASE("lab: fewer epochs than before, and more without a checkpoint, are refused, and the report stays") {
  const temporary_folder here;
  settings s = few(here / "out");
  REQUIRE(work(s).status == 0);
  const std::string report = file_content(s.out / "report.json");
  s.resume = true;
  s.epochs = 5;
  CHECK(refusal([&] { (void)work(s); }) ==
        "--epochs: expected a checkpoint of one, seed 1, to go on from after its 3 epochs, found none in " +
            (s.out / "checkpoints").string() + "; --every keeps them, another --out begins anew");
  s.epochs = 2;
  CHECK(
      refusal([&] { (void)work(s); }) ==
      "--resume: " + (s.out / "report.json").string() +
          ": expected the report of at most 2 epochs, as --epochs has it, found one with 3; another --out begins anew");
  CHECK(file_content(s.out / "report.json") == report);
}

TEST_CASE("lab: a folder that no checkpoint can go to is seen before anything is trained") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.checkpoints = here.file("file", "in the way");
  CHECK(refusal([&] {
          (void)work(s);
        }).find("--checkpoint: " + s.checkpoints.string() + ": expected a folder, found: ") == 0);
  CHECK_FALSE(fs::exists(s.out / "run.json"));
}

TEST_CASE("lab: what a user has in the folders stays, whatever its name") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.runs = {"one"};
  s.checkpoints = here / "stored";
  for (const fs::path& folder : {s.out, s.checkpoints}) {
    for (const char* name : {"trial", "report.json.part", "one-1-step-000000030.checkpoint.part"})
      write_file(folder / name, "notes of a week");
    fs::create_directories(folder / "a folder");
  }
  fs::create_directories(s.out / "trial of another");
  const strings names = names_in(s.checkpoints);
  CHECK(work(s).status == 0);
  CHECK(names_in(s.checkpoints) == names);
  for (const fs::path& folder : {s.out, s.checkpoints}) {
    for (const char* name : {"trial", "report.json.part", "one-1-step-000000030.checkpoint.part"})
      CHECK(file_content(folder / name) == "notes of a week");
  }
  settings folders = few(here / "folders");
  folders.runs = {"one"};
  fs::create_directories(folders.out / "trial");
  CHECK(work(folders).status == 0);
}

TEST_CASE("lab: a folder with a comparison, or a file of one's own under such a name, is not written over") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.runs = {"one"};
  s.every = 10;
  s.checkpoints = here / "stored";
  CHECK(work(s).status == 0);
  const std::string report = file_content(s.out / "report.json");
  CHECK(refusal([&] { (void)work(s); }) == "--out: expected a folder without a comparison, found " +
                                               (s.out / "run.json").string() +
                                               "; --resume goes on with it, another folder begins anew");
  CHECK(file_content(s.out / "report.json") == report);
  settings other = s;
  other.out = here / "other";
  CHECK(refusal([&] { (void)work(other); }) == "--checkpoint: expected a folder without a comparison, found " +
                                                   (s.checkpoints / "one-1-step-000000030.checkpoint").string() +
                                                   "; --resume goes on with it, another folder begins anew");
  CHECK_FALSE(fs::exists(other.out));
  settings own_files = few(here / "mine");
  write_file(own_files.out / "table.md", "my table");
  CHECK(refusal([&] { (void)work(own_files); }).find("table.md") != std::string::npos);
  CHECK(file_content(own_files.out / "table.md") == "my table");
  CHECK(names_in(own_files.out) == strings{"table.md"});
}

TEST_CASE("lab: --resume where nothing was begun is refused before anything is read") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.resume = true;
  s.digits = false;
  s.data = "/nowhere/at/all";
  s.data_given = true;
  const std::string start = "--resume: " + s.out.string() + ": expected the folder of a comparison, found ";
  CHECK(refusal([&] { (void)work(s); }) == start + "none; without --resume one begins there");
  CHECK_FALSE(fs::exists(s.out));
  fs::create_directories(s.out);
  CHECK(refusal([&] { (void)work(s); }) == start + "no run.json in it; without --resume one begins there");
}

TEST_CASE("lab: a folder that another process works in is refused, and free once that is killed") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.runs = {"one"};
  fs::create_directories(s.out);
  {
    const localis::io::file_lock other(s.out / ".localis.lock");
    CHECK(refusal([&] { (void)work(s); })
              .find("--out: " + (s.out / ".localis.lock").string() +
                    ": expected nobody else at work here, found it in use by process " + std::to_string(::getpid())) ==
          0);
    CHECK(names_in(s.out) == strings{".localis.lock"});
  }
  write_file(s.out / ".localis.lock", "in use by process 4194305 on elsewhere\n");  // of one that was killed
  CHECK(work(s).status == 0);
  CHECK_FALSE(fs::exists(s.out / ".localis.lock"));
}

TEST_CASE("lab: --resume is for another kernel, and, where it is said, for another machine") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.runs = {"one"};
  REQUIRE(work(s).status == 0);
  const auto change = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json j = json_of(s.out / "report.json");
    j[nlohmann::json::json_pointer(pointer)] = value;
    write_file(s.out / "report.json", j.dump());
  };
  s.resume = true;
  s.runs = {"one", "two"};
  change("/machine/system", "Linux 2.6.60 x86_64");
  CHECK(work(s).status == 0);

  change("/machine/ranks", 2);
  CHECK(refusal([&] { (void)work(s); }).find("found one with machine ranks: then 2, now 1; --other-machine") !=
        std::string::npos);
  change("/machine/ranks", 1);
  change("/machine/compiler", "GCC 1.0");
  change("/commit", "abc");
  const std::string refused = refusal([&] { (void)work(s); });
  CAPTURE(refused);
  CHECK(refused.find("--resume: " + (s.out / "report.json").string() +
                     ": expected the report of this machine and program, found one with commit: then \"abc\", now ") ==
        0);
  CHECK(refused.find("; machine compiler: then \"GCC 1.0\", now \"") != std::string::npos);
  CHECK(refused.find("; --other-machine goes on with it") != std::string::npos);
  s.other_machine = true;
  const outcome again = work(s);
  CHECK(again.status == 0);
  CHECK(again.told.find("NOTE: Not all runs were done in one place: commit: then") != std::string::npos);
  const std::string note = json_of(s.out / "report.json").at("machine").at("note");
  CHECK(note.find("machine compiler: then \"GCC 1.0\"") != std::string::npos);
  CHECK(file_content(s.out / "report.html").find("Not all runs were done in one place") != std::string::npos);
  s.other_machine = false;
  CHECK(work(s).status == 0);  // the report is now of this machine
  CHECK(json_of(s.out / "report.json").at("machine").at("note") == note);

  change("/settings/batch", 4);
  s.other_machine = true;
  CHECK(refusal([&] { (void)work(s); }).find("found one with settings batch: then 4, now 8") != std::string::npos);
}

TEST_CASE("lab: the command that goes on is one for a shell, whatever the folder is called") {
  const temporary_folder here;
  settings s = few(here / "it's a $HOME \"folder\"");
  const outcome stopped = work(s, 100);
  CHECK(stopped.status == 130);
  const std::string quoted = (here / "it'\\''s a $HOME \"folder\"").string();
  CHECK(stopped.told.find("; --config '" + quoted + "/run.json' --resume --out '" + quoted + "' goes on") !=
        std::string::npos);
}

TEST_CASE("lab: a folder of pictures whose name is not UTF-8 is trained on, and run.json gives the runs again") {
  const temporary_folder here;
  const fs::path data = here /
                        "donn\xE9"
                        "es";
  const auto write_part = [&](const std::string& name, std::size_t count) {
    std::string pictures{'\0', '\0', 8, 3}, labels{'\0', '\0', 8, 1};
    const std::string size{'\0', '\0', static_cast<char>(count >> 8), static_cast<char>(count & 255)};
    pictures += size + std::string{'\0', '\0', '\0', 28, '\0', '\0', '\0', 28};
    labels += size;
    for (std::size_t i = 0; i < count; ++i) {
      labels += static_cast<char>(i % 10);
      pictures += std::string(28 * 28, static_cast<char>(12 * (i % 10)));
    }
    write_file(data / (name + "-images-idx3-ubyte"), pictures);
    write_file(data / (name + "-labels-idx1-ubyte"), labels);
  };
  write_part("train", 200);
  write_part("t10k", 20);
  settings s = few(here / "out");
  s.digits = false;
  s.data = data;
  s.data_given = true;
  REQUIRE(work(s).status == 0);
  const std::string stored = json_of(s.out / "run.json").at("data");
  CHECK(stored == "file://" + (here / "donn%E9es").string());
  CHECK(json_of(s.out / "report.json").at("settings").at("data") == stored);
  const std::string page = file_content(s.out / "report.html");
  CHECK(page.find("donn%E9es") != std::string::npos);
  CHECK(localis::detail::is_utf8(page));

  const std::string config = (s.out / "run.json").string();
  const char* words[] = {"few", "--config", config.c_str(), "--out", "again"};
  CLI::App app;
  settings again = examples::read_settings(app, 5, words, s);
  CHECK(again.data == data);
  again.out = here / "again";
  CHECK(work(again).status == 0);
  CHECK(runs_of(again.out) == runs_of(s.out));
}

TEST_CASE("lab: run.json is there from the start, and says what was in force") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.validation_given = false;  // 5000 are not there: a seventh is taken
  CHECK(work(s, 1).status == 130);
  const auto json = json_of(s.out / "run.json");
  CHECK(json.at("validation") == 200);
  CHECK(json.at("threads") == 1);
  CHECK(json.at("digits") == true);
  CHECK(json.at("pictures") == 80);
  CHECK(json == json_of(s.out / "report.json").at("settings"));
}

TEST_CASE("lab: a dry run shows memory and runs, and does nothing") {
  const temporary_folder here;
  settings s = few(here / "out");
  s.dry_run = true;
  s.digits = false;
  s.data = "/nowhere/at/all";
  s.data_given = true;
  const outcome told = work(s);
  CHECK(told.status == 0);
  CHECK_FALSE(fs::exists(s.out));
  for (const char* part : {"T = 0, all stages by gradient", "T = 1, highest, localized", "T = 1, highest, frozen",
                           "batch 8", "pictures: /nowhere/at/all, no such folder", "runs:     one, two"}) {
    CAPTURE(part);
    CHECK(told.told.find(part) != std::string::npos);
  }
  s.batch = 0;
  CHECK_THROWS_AS((void)work(s), lo::config_error);
  s.batch = 8;
  s.linear.last = 9;
  CHECK_THROWS_AS((void)work(s), lo::config_error);
}
