#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/global_locale.hpp"
#include "support/logs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/io/checkpoint_folder.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/io/state_dict.hpp>
#include <localis/io/tensorboard_log.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
namespace io = localis::io;
namespace fs = std::filesystem;

namespace {

using net = lo::network<lo::image<16, 16, 1>, lo::dense<64>, lo::relu, lo::dense<4>>;  // 16,384 weights
using model = lo::model<net>;

/// What all writers make of a run, by the files' names; what has times in it is left empty.
std::map<std::string, std::string> written(const fs::path& folder, bool german) {
  const auto data = lo::data::synthetic_images(64, 16, 16, 1, 4, 1, 0.8);
  model trained{{.seed = 1}};
  lo::trainer trainer{trained, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 1, .batch = 16}};
  trainer.fit(data);
  lo::stored_run<float> run = lo::store(trainer);
  run.state.report.seconds = 1234.5;
  for (auto& epoch : run.state.report.epochs) epoch.seconds = epoch.processor_seconds = 1234.5;
  run.state.step = 1234567;
  const auto write = [&] {
    io::write_checkpoint(run, folder / "run.checkpoint");
    io::checkpoint_folder(folder / "kept", "run").write(run);
    io::save_state_dict(trained, folder / "weights.safetensors", io::torch_names::features);
    const io::csv_log<> csv(folder / "epochs.csv");
    const io::json_lines_log<> lines(folder / "epochs.jsonl");
    const io::tensorboard_log board(folder / "board");
    for (const std::size_t number : {3U, 1234567U}) {
      csv(logs::epoch(number));
      lines(logs::epoch(number));
      board(logs::epoch(number));
    }
  };
  if (german) {
    const german_locale now;
    write();
  } else {
    write();
  }
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::string name = entry.path().lexically_relative(folder).string();
    const bool board = name.find("tfevents") != std::string::npos;
    if (board) name.resize(name.find('.', name.find("tfevents.") + 9));  // up to the seconds
    if (board) name.resize(name.size() - 4);
    files[name] = board ? "" : file_content(entry.path());
  }
  return files;
}

}  // namespace

TEST_CASE("io: files are the same in every locale of the program, and are read in every other") {
  const temporary_folder here;
  const temporary_folder there;
  const auto plain = written(here.path, false);
  const auto german = written(there.path, true);
  CHECK(plain.size() == 6);
  for (const auto& [name, content] : plain) {
    CAPTURE(name);
    REQUIRE(german.count(name) == 1);
    CHECK(german.at(name) == content);
  }
  CHECK(german.size() == plain.size());
  for (const fs::path& from : {here.path, there.path}) {
    const auto read = [&] {
      const auto run = io::read_checkpoint<float>(from / "run.checkpoint");
      CHECK(run.state.step == 1234567);
      CHECK(run.state.report.seconds == 1234.5);
      model other{{.seed = 2}};
      io::load_state_dict(other, from / "weights.safetensors", io::torch_names::features);
      io::csv_log<>{from / "epochs.csv"}(logs::epoch(4));
    };
    read();
    const german_locale now;
    read();
  }
}

TEST_CASE("messages are the same in every locale of the program") {
  const german_locale now;
  CHECK(lo::text(16384, ' ', 0.5, ' ', 1234567.0) == "16384 0.5 1.23457e+06");
}
