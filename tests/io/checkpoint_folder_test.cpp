#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "support/file_faults.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <unistd.h>

#include <localis/io/checkpoint_folder.hpp>

namespace lo = localis;
namespace fs = std::filesystem;
using lo::io::checkpoint_folder;
using strings = std::vector<std::string>;

namespace {

/// A run of 100 steps per epoch that has done so many.
lo::stored_run<float> run_at(std::size_t steps) {
  lo::stored_run<float> run;
  run.scalar = "float";
  run.state.steps = 100;
  run.state.epoch = steps / 100;
  run.state.step = steps % 100;
  run.arrays["weights"] = {static_cast<float>(steps), 1};
  return run;
}

strings names(const checkpoint_folder& in) {
  strings result;
  for (const fs::path& path : in.files()) result.push_back(path.filename().string());
  return result;
}

std::size_t steps_in(const lo::stored_run<float>& run) { return run.state.epoch * 100 + run.state.step; }

void cut(const fs::path& path) { fs::resize_file(path, fs::file_size(path) / 2); }

template <class F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const lo::error& failure) {
    return failure.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("checkpoint_folder: the last ones stay, and names sort as steps do") {
  const temporary_folder here;
  checkpoint_folder kept(here / "deep/inside", "sgd-1", 2);
  CHECK(kept.files().empty());
  CHECK_FALSE(kept.read<float>());
  CHECK_FALSE(fs::exists(here / "deep"));
  kept.write(run_at(5));
  CHECK(names(kept) == strings{"sgd-1-step-000000005.checkpoint"});
  kept.write(run_at(99));
  kept.write(run_at(100));  // the first step of the second epoch
  kept.write(run_at(250));
  CHECK(names(kept) == strings{"sgd-1-step-000000250.checkpoint", "sgd-1-step-000000100.checkpoint"});
  kept.write(run_at(250));  // once more, as where a run is interrupted right there
  CHECK(names(kept) == strings{"sgd-1-step-000000250.checkpoint", "sgd-1-step-000000100.checkpoint"});
  const auto found = kept.read<float>();
  REQUIRE(found);
  CHECK(found->path == kept.files().front());
  CHECK(steps_in(found->run) == 250);
  kept.clear();
  CHECK_FALSE(fs::exists(here / "deep/inside"));
}

TEST_CASE("checkpoint_folder: what does not load is told, and the one before it taken") {
  const temporary_folder here;
  checkpoint_folder kept(here / "c", "run", 3);
  for (const std::size_t steps : {1U, 2U, 3U}) kept.write(run_at(steps));
  const auto files = kept.files();
  cut(files[0]);
  strings told;
  const auto tell = [&](const lo::checkpoint_error& failure) { told.emplace_back(failure.what()); };
  checkpoint_folder again(here / "c", "run", 3);
  const auto found = again.read<float>(tell);
  REQUIRE(found);
  CHECK(steps_in(found->run) == 2);
  REQUIRE(told.size() == 1);
  CHECK(told[0].find(files[0].string() + ": ") == 0);
  cut(files[1]);
  CHECK(steps_in(again.read<float>()->run) == 1);  // without anyone to hear
  cut(files[2]);
  told.clear();
  const std::string refused = refusal([&] { (void)again.read<float>(tell); });
  CHECK(told.size() == 3);
  CHECK(refused == "expected a checkpoint that loads, found none among 3; the last one: " + told[0]);
}

TEST_CASE("checkpoint_folder: going on from an earlier file, the damaged one behind it goes") {
  const temporary_folder here;
  {
    checkpoint_folder first(here / "c", "run", 3);
    for (const std::size_t steps : {10U, 20U, 30U}) first.write(run_at(steps));
    cut(first.files()[0]);
  }
  checkpoint_folder second(here / "c", "run", 3);
  REQUIRE(second.read<float>());
  second.write(run_at(25));
  CHECK(names(second) ==
        strings{"run-step-000000025.checkpoint", "run-step-000000020.checkpoint", "run-step-000000010.checkpoint"});
}

TEST_CASE("checkpoint_folder: a run that begins anew replaces the one before, once it has a file of its own") {
  const temporary_folder here;
  {
    checkpoint_folder first(here / "c", "run", 3);
    for (const std::size_t steps : {1U, 20U, 30U}) first.write(run_at(steps));
  }
  checkpoint_folder second(here / "c", "run", 3);
  CHECK(second.files().size() == 3);
  second.write(run_at(7));
  CHECK(names(second) == strings{"run-step-000000007.checkpoint"});
}

TEST_CASE("checkpoint_folder: the files of others stay") {
  const temporary_folder here;
  checkpoint_folder one(here / "c", "run", 1);
  checkpoint_folder other(here / "c", "run-1", 1);
  one.write(run_at(1));
  other.write(run_at(1));
  const strings strangers{"run-step-.checkpoint", "run-step-12", "run-step-x.checkpoint", "run-step-1.checkpoint.old"};
  for (const std::string& name : strangers) std::ofstream(here / "c" / name) << "no checkpoint";
  one.write(run_at(2));
  CHECK(names(one) == strings{"run-step-000000002.checkpoint"});
  CHECK(names(other) == strings{"run-1-step-000000001.checkpoint"});
  one.clear();
  for (const std::string& name : strangers) CHECK(fs::exists(here / "c" / name));
  CHECK(other.files().size() == 1);
}

TEST_CASE("checkpoint_folder: what a killed process left half-written goes with the next file") {
  const temporary_folder here;
  checkpoint_folder kept(here / "c", "run", 2);
  kept.write(run_at(1));
  const fs::path draft = here / "c/run-step-000000002.checkpoint.localis-1-0.part";
  const fs::path other = here / "c/run-step-000000002.checkpoint.part";
  for (const fs::path& path : {draft, other}) std::ofstream(path) << "half";
  CHECK(names(kept) == strings{"run-step-000000001.checkpoint"});
  kept.write(run_at(3));
  CHECK_FALSE(fs::exists(draft));
  CHECK(fs::exists(other));  // no name of ours
  CHECK(kept.files().size() == 2);
}

TEST_CASE("checkpoint_folder: where the next cannot be written none is removed") {
  const temporary_folder here;
  checkpoint_folder kept(here / "c", "run", 1);
  kept.write(run_at(1));
  {
    const file_faults::no_file_beyond limit(100);
    CHECK(refusal([&] { kept.write(run_at(2)); }) != "nothing");
  }
  CHECK(names(kept) == strings{"run-step-000000001.checkpoint"});
}

TEST_CASE("checkpoint_folder: of two that write under one name the second is refused, and told who the first is") {
  const temporary_folder here;
  const std::string holder = "in use by process " + std::to_string(::getpid()) + " on ";
  {
    checkpoint_folder first(here / "c", "run", 2);
    first.write(run_at(10));
    checkpoint_folder second(here / "c", "run", 2);
    CHECK(second.read<float>());  // it may look
    for (const std::string& refused : {refusal([&] { second.write(run_at(20)); }), refusal([&] { second.clear(); })}) {
      CAPTURE(refused);
      CHECK(refused.find((here / "c/.run.lock: expected nobody else at work here, found it ").string() + holder) == 0);
    }
    CHECK(names(first) == strings{"run-step-000000010.checkpoint"});
    const auto copy = std::make_unique<checkpoint_folder>(first);
    copy->write(run_at(11));
    first.write(run_at(12));
  }
  checkpoint_folder third(here / "c", "run", 2);
  third.write(run_at(13));
  third.clear();
  CHECK_FALSE(fs::exists(here / "c"));
}

TEST_CASE("checkpoint_folder: errors name what is wrong") {
  const temporary_folder here;
  CHECK_THROWS_WITH_AS(checkpoint_folder(here / "c", "run", 0), "checkpoint_folder: keep: expected at least 1, found 0",
                       lo::config_error);
  CHECK_THROWS_WITH_AS(checkpoint_folder(here / "c", "a/b"),
                       "checkpoint_folder: name: expected a part of a file's name, found \"a/b\"", lo::config_error);
  CHECK_THROWS_AS(checkpoint_folder(here / "c", ""), lo::config_error);
  std::ofstream(here / "file") << "text";
  checkpoint_folder in_a_file(here / "file", "run");
  const std::string message = (here / "file: expected a folder, found: Not a directory").string();
  CHECK(refusal([&] { (void)in_a_file.read<float>(); }) == message);
  CHECK(refusal([&] { in_a_file.write(run_at(1)); }).find((here / "file: expected a folder, found: ").string()) == 0);
}
