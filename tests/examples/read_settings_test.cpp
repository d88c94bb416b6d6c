#include "lab/read_settings.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "lab/programs.hpp"
#include "lab/settings.hpp"
#include "lab/typed_settings.hpp"
#include "support/temporary_folder.hpp"
#include <CLI/CLI.hpp>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <localis/core/error.hpp>

using examples::program;
using examples::run_kind;
using examples::settings;
using strings = std::vector<std::string>;
using numbers = std::vector<std::uint64_t>;

namespace {

constexpr run_kind kinds[] = {{.name = "sgd"},
                              {.name = "localized dynamic"},
                              {.name = "frozen static (batch)", .usual = false},
                              {.name = "frozen replay", .follows = "localized dynamic"}};
constexpr run_kind rule_kinds[] = {
    {.name = "sgd"},
    {.name = "oja", .rule = true},
    {.name = "bcm", .rule = true},
    {.name = "local_error", .rule = true, .supervised = true},
    {.name = "in pairs", .usual = false, .rule = true, .supervised = true, .pairs = true}};
const program train{.name = "train", .kinds = kinds};
const program models{.name = "train_lenet_28", .kinds = kinds, .of_models = true};
const program whole = examples::boundaries_program().comparison;
const program rules{.name = "rules", .kinds = rule_kinds, .of_rules = true};

settings defaults_of(const program& comparison) {
  settings defaults;
  defaults.comparison = comparison;
  return defaults;
}

settings read(const program& comparison, const strings& words) {
  std::vector<const char*> argv{comparison.name};
  for (const std::string& word : words) argv.push_back(word.c_str());
  CLI::App app;
  return examples::read_settings(app, static_cast<int>(argv.size()), argv.data(), defaults_of(comparison));
}

std::string refusal(const program& comparison, const strings& words) {
  try {
    (void)read(comparison, words);
  } catch (const localis::error& failure) {
    return failure.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("read_settings: a file holds where the command line says nothing") {
  const temporary_folder here;
  const std::string file = here.file("run.json", R"({"epochs": 7, "batch": 32, "seeds": [4, 5], "only": "sgd",
      "local-rate": 1e-4, "prefix-normalization": "batch", "every": 10, "out": "there", "quick": false})");
  settings s = read(train, {"--config", file});
  CHECK(s.epochs == 7);
  CHECK(s.batch == 32);
  CHECK(s.seeds == numbers{4, 5});
  CHECK(s.runs == strings{"sgd"});
  CHECK(s.local_rate == 1e-4);
  CHECK(s.normalization == localis::prefix_normalization::batch);
  CHECK(s.every == 10);
  CHECK(s.out == "there");
  CHECK(s.pictures == 0);

  s = read(train, {"--epochs", "2", "--config", file, "--seeds", "9", "--prefix-normalization", "running", "--quick"});
  CHECK(s.epochs == 2);
  CHECK(s.batch == 32);
  CHECK(s.seeds == numbers{9});
  CHECK(s.normalization == localis::prefix_normalization::running);
  CHECK(s.quick);
  CHECK(s.pictures == 3000);
  // --quick says less than a count of epochs that stands somewhere.
  CHECK(read(train, {"--quick"}).epochs == 5);
  CHECK(read(train, {"--quick", "--config", file}).epochs == 7);
  // One number or text is a list of one.
  CHECK(read(train, {"--config", here.file("one.json", R"({"seeds": 3, "only": "frozen-static-batch"})")}).runs ==
        strings{"frozen static (batch)"});
}

TEST_CASE("read_settings: of --data and --digits the command line's holds") {
  const temporary_folder here;
  const std::string digits = here.file("digits.json", R"({"digits": true})");
  const std::string data = here.file("data.json", R"({"data": "/pictures", "digits": false})");
  const std::string both = here.file("both.json", R"({"data": "/pictures", "digits": true})");
  CHECK(read(train, {"--config", digits}).digits);
  CHECK_FALSE(read(train, {"--config", digits}).data_given);
  settings s = read(train, {"--config", digits, "--data", "/other"});
  CHECK_FALSE(s.digits);
  CHECK(s.data_given);
  CHECK(s.data == "/other");
  s = read(train, {"--config", data});
  CHECK_FALSE(s.digits);
  CHECK(s.data == "/pictures");
  s = read(train, {"--config", data, "--digits"});
  CHECK(s.digits);
  CHECK_FALSE(s.data_given);
  CHECK(refusal(train, {"--config", both}) == both + ": --digits: expected no --data beside it, found /pictures");
  CHECK(refusal(train, {"--digits", "--data", "/x"}) == "--digits: expected no --data beside it, found /x");
}

TEST_CASE("read_settings: what is wrong with a file is told with its name, the setting's, expected and found") {
  const temporary_folder here;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"epoch": 2})", "\"epoch\": expected the name of an option, as --help lists them, found none of that name"},
      {R"({"config": "x"})",
       "\"config\": expected the name of an option, as --help lists them, found none of that name"},
      {R"({"cutout": 2})", "\"cutout\": expected the name of an option, as --help lists them, found none of that name"},
      {R"({"epochs": "2"})", "\"epochs\": expected a number, found the text \"2\""},
      {R"({"epochs": true})", "\"epochs\": expected a number, found true"},
      {R"({"epochs": [2]})", "\"epochs\": expected a number, found a list"},
      {R"({"digits": 1})", "\"digits\": expected true or false, found the number 1"},
      {R"({"data": 5})", "\"data\": expected text, found the number 5"},
      {R"({"seeds": true})", "\"seeds\": expected a list, text or a number, found true"},
      {R"({"epochs": 2.5})", "--epochs: expected a whole number of at least 0, found 2.5"},
      {R"({"epochs": -1})", "--epochs: expected a whole number of at least 0, found -1"},
      {R"({"epochs": 0})", "--epochs: expected at least 1, found 0"},
      {R"({"keep": 0})", "--keep: expected at least 1, found 0"},
      {R"({"momentum": 1})", "--momentum: expected a number in [0, 1), found 1"},
      {R"({"seeds": [1, 1]})", "--seeds: expected each seed once, found '1,1'"},
      {R"({"only": ["nothing"]})",
       "--only: expected runs out of sgd, localized-dynamic, frozen-static-batch, frozen-replay; found 'nothing'"},
  };
  for (const auto& [json, message] : cases) {
    const std::string file = here.file("bad.json", json);
    CHECK(refusal(train, {"--config", file}) == file + ": " + message);
  }
  CHECK(refusal(train, {"--precision", "float16"}) == "--precision: expected float32 or bfloat16, found float16");
  const std::string good = here.file("good.json", R"({"epochs": 3})");
  CHECK(refusal(train, {"--config", good, "--batch", "0"}) == "--batch: expected at least 1, found 0");
  // A setting that the command line replaces is still to be one.
  const std::string bad = here.file("bad.json", R"({"epochs": "3"})");
  CHECK(refusal(train, {"--config", bad, "--epochs", "2"}) ==
        bad + ": \"epochs\": expected a number, found the text \"3\"");
  CHECK(refusal(train, {"--config", (here / "missing").string()}) ==
        (here / "missing: expected a file of JSON, found none").string());
  CHECK(refusal(train, {"--resume"}) == "--resume: expected --out with it, the folder to go on in, found none");
}

TEST_CASE("read_settings: --frontier does the runs of the frontier, and --rates sets the rates of single runs") {
  const settings s = read(whole, {"--frontier", "--rates", "sgd-25=0.25,frozen static=0.5"});
  CHECK(s.wants("sgd 25"));
  CHECK(s.wants("frozen averaged"));
  CHECK_FALSE(s.wants("frozen replay"));
  CHECK(s.learning_rate_of("sgd 25") == 0.25);
  CHECK(s.learning_rate_of("frozen static") == 0.5);
  CHECK(s.learning_rate_of("sgd") == s.learning_rate.base.rate);
  CHECK(examples::epochs_of(*s.comparison.find("sgd 25"), 8) == 2);
  CHECK(examples::epochs_of(*s.comparison.find("sgd 150"), 5) == 8);
  CHECK(examples::epochs_of(*s.comparison.find("sgd 25"), 1) == 1);
  for (const char* list : {"0.1", "sgd", "sgd=", "sgd=-1", "sgd=0.1x", "sgd=nan"}) {
    CHECK(
        refusal(train, {"--rates", list}) ==
        std::string("--rates: expected finite numbers of at least 0, as RUN=RATE, with commas between them, found '") +
            list + "'");
  }
  CHECK(refusal(train, {"--rates", "sgd-99=1"}) == "--rates: expected the name of a run before =, found 'sgd-99=1'");
  CHECK(refusal(train, {"--average-decay", "1"}) == "--average-decay: expected a number in (0, 1), found 1");
}

TEST_CASE("read_settings: features are kept only where pictures stay the same") {
  CHECK(read(whole, {"--frontier"}).wants("frozen cached"));
  CHECK(read(whole, {"--only", "frozen-cached", "--cache", "7"}).cache == 7);
  CHECK(refusal(whole, {"--cache", "0"}) == "--cache: expected at least 1, found 0");
  const program published = examples::model_program("train_lenet_32", "lenet").comparison;
  const std::string data = "cifar10:there";
  CHECK_FALSE(read(published, {"--data", data, "--frontier"}).wants("frozen cached"));
  CHECK(read(published, {"--data", data, "--frontier", "--plain"}).wants("frozen cached"));
  CHECK(refusal(published, {"--data", data, "--only", "frozen-cached"}) ==
        "--only: frozen-cached: expected training pictures that stay as they are: --plain, found pictures changed at "
        "random");
  CHECK(refusal(published, {"--data", data, "--only", "frozen-cached", "--plain", "--cutout", "4"}) ==
        "--only: frozen-cached: expected training pictures that stay as they are: --plain, found --cutout");
}

TEST_CASE("read_settings: the settings in force, as a file, give the same again") {
  const temporary_folder here;
  const std::pair<const program*, strings> calls[] = {
      {&train, {}},
      {&train, {"--digits"}},
      {&train, {"--quick", "--all-frozen"}},
      {&train,
       {"--only",
        "frozen-replay",
        "--seeds",
        "3,1",
        "--epochs",
        "8",
        "--short-epochs",
        "4",
        "--batch",
        "17",
        "--threads",
        "3",
        "--precision",
        "bfloat16",
        "--data",
        "/pictures",
        "--validation",
        "77",
        "--pictures",
        "999",
        "--every",
        "5",
        "--keep",
        "2",
        "--learning-rate",
        "0.125",
        "--final-rate",
        "0.0625",
        "--rates",
        "sgd=0.25,frozen-replay=0.5",
        "--average-decay",
        "0.75",
        "--rate-warm-up",
        "1.5",
        "--momentum",
        "0.7",
        "--weight-decay",
        "1e-5",
        "--local-rate",
        "3e-7",
        "--prefix-normalization",
        "batch",
        "--begin",
        "1",
        "--end",
        "6",
        "--last",
        "3",
        "--interleave",
        "9",
        "--prefix-rate",
        "0.3",
        "--alpha",
        "1.1",
        "--window",
        "4",
        "--patience",
        "3",
        "--warm-up",
        "2",
        "--shift",
        "1",
        "--gain-exponent",
        "0.5",
        "--gain-lowest",
        "0.25",
        "--gain-highest",
        "3",
        "--gain-smoothing",
        "0.9"}},
      {&models,
       {"--data", "cifar10:/a, b", "--plain", "--cutout", "8", "--skip-corrupt", "--zero-gamma", "--diagnose"}},
      {&rules, {"--local-rate", "2e-5,bcm=1e-6,local_error=0.5", "--supervised-rate", "0.2", "--only", "bcm,sgd"}},
      {&whole, {"--frontier", "--rates", "sgd-25=0.1"}},
  };
  for (const auto& [comparison, words] : calls) {
    const settings first = read(*comparison, words);
    const std::string json = examples::settings_json(first).dump(1);
    CAPTURE(json);
    const settings again = read(*comparison, {"--config", here.file("run.json", json)});
    CHECK(examples::settings_json(again).dump(1) == json);
    CHECK(again.runs == first.runs);
    CHECK(again.seeds == first.seeds);
    CHECK(again.test_pictures == first.test_pictures);
    CHECK(again.source == first.source);
    CHECK(again.local_rate == first.local_rate);
    CHECK(again.local_rates == first.local_rates);
    CHECK(again.rates == first.rates);
    CHECK(again.normalization == first.normalization);
    CHECK(again.diagnose == first.diagnose);
    CHECK(examples::takes_digits(again) == examples::takes_digits(first));
  }
  // Each option of the long call is there, and no other value than the one given.
  const auto json = examples::settings_json(read(train, calls[3].second));
  for (std::size_t i = 0; i < calls[3].second.size(); i += 2) {
    const std::string name = calls[3].second[i].substr(2);
    CAPTURE(name);
    if (name == "only" || name == "seeds" || name == "rates") continue;
    REQUIRE(json.contains(name));
    const auto& value = json.at(name);
    if (value.is_string()) {
      CHECK(value == calls[3].second[i + 1]);
    } else {
      CHECK(value.get<double>() == std::stod(calls[3].second[i + 1]));
    }
  }
  CHECK(json.at("seeds").dump() == "[3,1]");
  CHECK(json.at("rates").dump() == R"(["frozen-replay=0.5","sgd=0.25"])");
  CHECK(json.at("only").dump() == R"(["localized-dynamic","frozen-replay"])");
  const auto fields =
      examples::settings_json(read(train, {"--out", "x", "--checkpoint", "y", "--resume", "--dry-run"}));
  for (const char* name : {"out", "checkpoint", "resume", "dry-run", "end", "last", "short-epochs"}) {
    CHECK_FALSE(fields.contains(name));
  }
}

TEST_CASE("read_settings: one rank refuses what several do, and several what needs one") {
  const char* one = ": expected several ranks (run.sh: --ranks 2; docs/ranks.md), found one";
  const std::pair<const char*, const char*> several[] = {
      {"--prefix-every", "2"}, {"--suffix-every", "3"}, {"--suffix-from", "1"}, {"--batch-statistics", "own"}};
  for (const auto& [name, value] : several) CHECK(refusal(train, {name, value}) == name + std::string(one));
  CHECK(refusal(train, {"--prefix-every", "1", "--batch-statistics", "all"}) == "nothing");
  CHECK(refusal(train, {"--prefix-every", "0"}) == "--prefix-every: expected at least 1, found 0");
  CHECK(refusal(train, {"--batch-statistics", "none"}) == "--batch-statistics: expected all or own, found none");

  settings s = read(rules, {});
  const auto refused = [&s] {
    try {
      examples::check_ranks(s, 2);
    } catch (const localis::config_error& failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  CHECK(refused().empty());
  s.ranks = {localis::batch_statistics::own, 1, 4, 5, 6};
  CHECK(refused().empty());
  const auto json = examples::settings_json(s);
  CHECK(json.at("prefix-every") == 4);
  CHECK(json.at("suffix-every") == 5);
  CHECK(json.at("suffix-from") == 6);
  CHECK(json.at("batch-statistics") == "own");
  s.diagnose = true;
  CHECK(refused() == "--diagnose: expected one rank, which sees the whole batch, found 2");
  s.diagnose = false;
  s.runs = {"in pairs"};
  CHECK(refused() == "--only: expected rules that do not compare samples in pairs, on several ranks, found in pairs");
}

TEST_CASE("read_settings: --help has examples, the exit status, and lines that fit") {
  for (const program* comparison : {&train, &models, &rules}) {
    CLI::App app;
    const char* words[] = {comparison->name, "--help"};
    CHECK_THROWS_AS((void)examples::read_settings(app, 2, words, defaults_of(*comparison)), CLI::CallForHelp);
    std::istringstream help(app.help());
    std::string all;
    for (std::string line; std::getline(help, line); all += line + '\n') CHECK(line.size() <= 130);
    for (const char* part : {"\nExamples:\n", "--config a/run.json --resume --out a\n", "\nExit status:\n  0 ",
                             "\n  1 ", "\n  2 ", "\n  130 ", "\n  143 ", "\nCheckpoints:\n"}) {
      CAPTURE(part);
      CHECK(all.find(part) != std::string::npos);
    }
    CHECK((all.find("\n  3 ") != std::string::npos) == !comparison->of_rules);
  }
}
