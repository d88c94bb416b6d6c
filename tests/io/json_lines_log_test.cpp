#include <cstddef>
#include <sstream>
#include <string>

#include "support/logs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <localis/io/json_lines_log.hpp>
#include <localis/train/trainer.hpp>

namespace io = localis::io;

TEST_CASE("json_lines_log: an object on a line for each epoch, and what is not finite is null") {
  const temporary_folder folder;
  const auto path = folder.path / "epochs.jsonl";
  const io::json_lines_log<> log(path);
  log(logs::epoch(3));
  const auto copy = log;
  copy(logs::epoch(4));
  const std::string rest =
      ",\"boundary\":1,\"steps\":12,\"samples\":18446744073709551615,\"loss\":0.30000000000000004,\"accuracy\":5e-324,"
      "\"validation_loss\":null,\"validation_accuracy\":null,\"learning_rate\":1.7976931348623157e+308,\"gain\":-1e-07,"
      "\"update_norm\":null,\"prefix_fraction\":0,\"clips\":0,\"seconds\":3,\"processor_seconds\":6,\"bytes\":4096,"
      "\"stage_update_norms\":[null,2.5]}\n";
  CHECK(file_content(path) == "{\"epoch\":3" + rest + "{\"epoch\":4" + rest);
}

TEST_CASE("json_lines_log: metrics are an object of numbers by name") {
  localis::epoch_record e = logs::epoch(3);
  const std::string without = io::json_line(e);
  e.validation_metrics = {{"top_5", 0.75}, {"\"b\"", logs::none}};
  CHECK(io::json_line(e) ==
        without.substr(0, without.size() - 1) + ",\"validation_metrics\":{\"top_5\":0.75,\"\\\"b\\\"\":null}}");
}

TEST_CASE("json_lines_log: what was diagnosed of each stage is a list, where there is any") {
  localis::epoch_record e = logs::epoch(3);
  const std::string without = io::json_line(e);
  e.stage_cosines = {0.25, logs::none};
  CHECK(io::json_line(e) == without.substr(0, without.size() - 1) + ",\"stage_cosines\":[0.25,null]}");
}

TEST_CASE("json_lines_log: a parser reads back the same numbers and texts") {
  const localis::epoch_record e = logs::epoch(3);
  const std::string odd = "a \"name\"\\ with \t, \n, \x01 and \xc3\xa4";
  const auto read = nlohmann::json::parse(io::json_line(e, {{odd, odd}, {"seed", "1"}}));
  CHECK(read.size() == 19);
  CHECK(read.at(odd) == odd);
  CHECK(read.at("samples").get<std::size_t>() == e.samples);
  CHECK(read.at("loss").get<double>() == e.loss);
  CHECK(read.at("accuracy").get<double>() == e.accuracy);
  CHECK(read.at("learning_rate").get<double>() == e.learning_rate);
  CHECK(read.at("gain").get<double>() == e.gain);
}

TEST_CASE("json_lines_log: steps, and a record of one's own") {
  CHECK(io::json_line(localis::step_event{0, 5, 2, 10, 1, 0.5, 0.05, 1, 0.125, 48}) ==
        "{\"epoch\":0,\"epochs\":5,\"step\":2,\"steps\":10,\"boundary\":1,\"loss\":0.5,\"learning_rate\":0.05,"
        "\"gain\":1,\"seconds\":0.125,\"samples\":48}");
  CHECK(io::json_line(logs::reward{.step = 7, .mean = 0.25}) == "{\"mean\":0.25}");
}

TEST_CASE("json_lines_log: a label that is not UTF-8 is refused, and what is there stays") {
  const temporary_folder folder;
  const auto path = folder.write("rewards.jsonl", std::string("{}\n"));
  using log = io::json_lines_log<logs::reward>;
  for (const io::log_labels& labels : {io::log_labels{{"data", "donn\xE9s"}}, io::log_labels{{"donn\xE9s", "a"}}}) {
    CHECK_THROWS_WITH_AS((log{path, io::existing_log::replace, labels}),
                         "json_line: text: expected UTF-8, found donn\xE9s", localis::config_error);
  }
  CHECK(file_content(path) == "{}\n");
}

TEST_CASE("json_lines_log: a run that goes on appends, and replace begins anew, and half a line is refused") {
  const temporary_folder folder;
  const auto path = folder.path / "rewards.jsonl";
  const auto log = [&](io::existing_log existing) {
    io::json_lines_log<logs::reward>{path, existing}({.step = 0, .mean = 0.5});
  };
  log(io::existing_log::append);
  log(io::existing_log::append);
  CHECK(file_content(path) == "{\"mean\":0.5}\n{\"mean\":0.5}\n");
  log(io::existing_log::replace);
  CHECK(file_content(path) == "{\"mean\":0.5}\n");
  write_file(path, "{\"mean\":0.5}\n{\"me");
  CHECK(logs::complaint([&] { log(io::existing_log::append); }) ==
        path.string() + ": last line: expected a whole one, found one without its end");
  CHECK(file_content(path) == "{\"mean\":0.5}\n{\"me");
  CHECK(logs::complaint([] { io::json_lines_log<>{"/dev/full"}(logs::epoch(0)); }) ==
        "/dev/full: cannot be written: No space left on device");
}
