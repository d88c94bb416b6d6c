#include <cstddef>
#include <string>

#include "support/logs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/io/csv_log.hpp>
#include <localis/train/trainer.hpp>

namespace io = localis::io;

namespace {

const std::string header =
    "epoch,boundary,steps,samples,loss,accuracy,validation_loss,validation_accuracy,learning_rate,gain,update_norm,"
    "prefix_fraction,clips,seconds,processor_seconds,bytes,stage_update_norms.0,stage_update_norms.1\r\n";
/// Of logs::epoch(3): the shortest digits that are read back as these numbers.
const std::string third =
    "3,1,12,18446744073709551615,0.30000000000000004,5e-324,,,1.7976931348623157e+308,-1e-07,inf,0,0,3,6,4096,,2.5\r\n";
const std::string fourth = "4" + third.substr(1);

}  // namespace

TEST_CASE("csv_log: a header, a row for each epoch, missing values empty") {
  const temporary_folder folder;
  const auto path = folder.path / "epochs.csv";
  const io::csv_log<> log(path);
  CHECK(file_content(path).empty());
  log(logs::epoch(3));
  CHECK(file_content(path) == header + third);
  const auto copy = log;
  copy(logs::epoch(4));
  CHECK(file_content(path) == header + third + fourth);
}

TEST_CASE("csv_log: a column for each metric, under its name") {
  localis::epoch_record e = logs::epoch(3);
  e.validation_metrics = {{"top_5", 0.75}, {"a,b", logs::none}};
  CHECK(io::csv_header(e) + io::csv_end ==
        header.substr(0, header.size() - 2) + ",validation_metrics.top_5,\"validation_metrics.a,b\"\r\n");
  CHECK(io::csv_row(e) + io::csv_end == third.substr(0, third.size() - 2) + ",0.75,\r\n");
  const temporary_folder folder;
  const auto path = folder.path / "epochs.csv";
  io::csv_log<>{path}(e);
  io::csv_log<>{path}(e);  // the header that it finds is its own
  const std::string row = io::csv_row(e) + io::csv_end;
  CHECK(file_content(path) == io::csv_header(e) + io::csv_end + row + row);
}

TEST_CASE("csv_log: cells as in RFC 4180") {
  CHECK(io::csv_cell("plain text") == "plain text");
  CHECK(io::csv_cell("") == "");
  CHECK(io::csv_cell("a,b") == "\"a,b\"");
  CHECK(io::csv_cell("say \"no\"") == "\"say \"\"no\"\"\"");
  CHECK(io::csv_cell("two\nlines") == "\"two\nlines\"");
}

TEST_CASE("csv_log: labels come first, and a record of one's own is logged") {
  const temporary_folder folder;
  const auto path = folder.path / "rewards.csv";
  const io::csv_log<logs::reward> log(path, io::existing_log::append, {{"run", "sgd, short"}, {"seed", "1"}});
  log({.step = 7, .mean = 0.25});
  CHECK(file_content(path) == "run,seed,mean\r\n\"sgd, short\",1,0.25\r\n");
}

TEST_CASE("csv_log: steps") {
  const temporary_folder folder;
  const auto path = folder.path / "steps.csv";
  const io::csv_log<localis::step_event> log(path);
  log({0, 5, 2, 10, 1, 0.5, 0.05, 1, 0.125, 48});
  CHECK(file_content(path) ==
        "epoch,epochs,step,steps,boundary,loss,learning_rate,gain,seconds,samples\r\n"
        "0,5,2,10,1,0.5,0.05,1,0.125,48\r\n");
}

TEST_CASE("csv_log: a run that goes on appends without a second header, and replace begins anew") {
  const temporary_folder folder;
  const auto path = folder.path / "epochs.csv";
  io::csv_log<>{path}(logs::epoch(3));
  io::csv_log<>{path}(logs::epoch(4));
  CHECK(file_content(path) == header + third + fourth);
  // Line ends that an editor changed are no reason to stop.
  write_file(path, header.substr(0, header.size() - 2) + '\n');
  io::csv_log<>{path}(logs::epoch(3));
  CHECK(file_content(path) == header.substr(0, header.size() - 2) + '\n' + third);
  const io::csv_log<> anew(path, io::existing_log::replace);
  CHECK(file_content(path).empty());
  anew(logs::epoch(4));
  CHECK(file_content(path) == header + fourth);
}

TEST_CASE("csv_log: a file of other columns is refused and stays as it is") {
  const temporary_folder folder;
  const auto path = folder.path / "epochs.csv";
  const std::string fixed = header.substr(0, header.find(",stage_update_norms"));
  for (const std::string other : {"epoch,loss\r\n1,2\r\n", "\n", "run,epoch,boundary\r\n"}) {
    write_file(path, other);
    CHECK(logs::complaint([&] { io::csv_log<>{path}; }) ==
          path.string() + ": header: expected " + fixed + ", found " + other.substr(0, other.find_first_of("\r\n")));
    CHECK(file_content(path) == other);
  }
  write_file(path, "{\"epoch\": 1}\n");
  CHECK(logs::complaint([&] { io::csv_log<>{path}; }) ==
        path.string() + ": header: expected " + fixed + ", found JSON");
  // How many stages there are shows with the first epoch.
  const std::string three = fixed + ",stage_update_norms.0,stage_update_norms.1,stage_update_norms.2";
  write_file(path, three + "\r\n");
  const io::csv_log<> log(path);
  CHECK(logs::complaint([&] { log(logs::epoch(3)); }) ==
        path.string() + ": header: expected " + header.substr(0, header.size() - 2) + ", found " + three);
  CHECK(file_content(path) == three + "\r\n");

  write_file(path, header + "3,1,12");
  CHECK(logs::complaint([&] { io::csv_log<>{path}; }) ==
        path.string() + ": last line: expected a whole one, found one without its end");
}

TEST_CASE("csv_log: logs that share a new file write one header, whoever has the first row") {
  const temporary_folder folder;
  const auto path = folder.path / "epochs.csv";
  const io::csv_log<> one(path, io::existing_log::append, {{"run", "a"}});
  const io::csv_log<> other(path, io::existing_log::replace, {{"run", "b"}});
  other(logs::epoch(3));
  one(logs::epoch(3));
  other(logs::epoch(4));
  CHECK(file_content(path) == "run," + header + "b," + third + "a," + third + "b," + fourth);
  const io::csv_log<logs::reward> stranger(folder.path / "other.csv", io::existing_log::append, {{"run", "c"}});
  const io::csv_log<logs::reward> first(folder.path / "other.csv", io::existing_log::append, {{"seed", "1"}});
  first({.step = 7, .mean = 0.25});
  CHECK(logs::complaint([&] { stranger({.step = 7, .mean = 0.5}); }) ==
        (folder / "other.csv").string() + ": header: expected run,mean, found seed,mean");
  CHECK(file_content(folder.path / "other.csv") == "seed,mean\r\n1,0.25\r\n");
}

TEST_CASE("csv_log: processes that begin one file at the same time write one header and whole rows") {
  const temporary_folder folder;
  const auto path = folder.path / "rewards.csv";
  constexpr std::size_t writers = 4;
  constexpr std::size_t rows = 200;
  for (std::size_t who = 0; who < writers; ++who) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child > 0) continue;
    const io::csv_log<logs::reward> log(path);
    for (std::size_t i = 0; i < rows; ++i) log({.step = i, .mean = 0.25});
    ::_exit(0);
  }
  for (std::size_t who = 0; who < writers; ++who) {
    int status = -1;
    ::wait(&status);
    CHECK(status == 0);
  }
  std::string expected = "mean\r\n";
  for (std::size_t i = 0; i < writers * rows; ++i) expected += "0.25\r\n";
  CHECK(file_content(path) == expected);
}

TEST_CASE("csv_log: what cannot be written is named") {
  CHECK(logs::complaint([] { io::csv_log<>{"/dev/full"}(logs::epoch(0)); }) ==
        "/dev/full: cannot be written: No space left on device");
}
