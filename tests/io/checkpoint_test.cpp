#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/file_faults.hpp"
#include "support/small_runs.hpp"
#include "support/temporary_folder.hpp"
#include "support/thread_ranks.hpp"
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/core/random.hpp>
#include <localis/io/checkpoint.hpp>
#include <localis/io/checkpoint_folder.hpp>
#include <localis/localis.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/supervision/plateau.hpp>

namespace lo = localis;
namespace fs = std::filesystem;

namespace {

using cpu = lo::cpu::backend<double>;
using net = lo::network<
    lo::image<6, 6, 2>,
    lo::conv2d<4, 3,
               lo::rule::local<lo::rule::oja, lo::rule::relative_step, lo::optimizer::adam, lo::rule::clip_scale>>,
    lo::batch_norm, lo::relu, lo::max_pool2d<2>, lo::dense<6, lo::rule::bcm>, lo::tanh, lo::dropout, lo::dense<3>>;
using supervised_network =
    lo::network<lo::image<6, 6, 2>, lo::dense<5, lo::rule::error_feedback>, lo::tanh, lo::dense<3>>;

struct pictures {
  std::vector<float> x;
  std::vector<std::uint32_t> labels;
  pictures() : x(14 * 72), labels(14) {
    const lo::random_stream random(3);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
    for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = static_cast<std::uint32_t>(n % 3);
  }
  [[nodiscard]] lo::data::arrays data() const { return {{6, 6, 2}, x, labels, 3}; }
};

/// Three epochs of four steps; the boundary may move behind each.
template <class Net>
struct job {
  lo::model<Net, cpu> model{{.seed = 2}, cpu({.threads = 1})};
  lo::trainer<lo::model<Net, cpu>, lo::scheduler::dynamic, lo::supervision::plateau, lo::optimizer::adam,
              lo::learning_rate::cosine>
      trainer{model,
              lo::scheduler::dynamic{.alpha = 100, .warm_up = 0},
              lo::supervision::plateau{},
              {.epochs = 3, .batch = 4, .local_rate = 0.01},
              lo::optimizer::adam{},
              lo::learning_rate::cosine{.rate = 0.01}};

  job() { trainer.measure("top_2", lo::metric::top_k<2>{}); }
};

/// What a file holds, times aside.
struct content {
  nlohmann::json run;
  std::map<std::string, std::vector<double>> tensors;
};
content content_of(const fs::path& path) {
  lo::io::safetensors file(path);
  content result{nlohmann::json::parse(file.metadata().at("localis")), {}};
  result.run.at("run").erase("seconds");
  for (auto& epoch : result.run.at("run").at("epochs")) {
    epoch.erase("seconds");
    epoch.erase("processor_seconds");
  }
  for (const std::string& name : file.names()) {
    result.tensors[name].resize(file.info(name).size());
    file.read(name, result.tensors[name]);
  }
  return result;
}

void expect_same(const content& found, const content& expected) {
  CHECK(nlohmann::json::diff(expected.run, found.run).dump(1) == "[]");
  REQUIRE(found.tensors.size() == expected.tensors.size());
  for (const auto& tensor : expected.tensors) {
    CAPTURE(tensor.first);
    CHECK(found.tensors.at(tensor.first) == tensor.second);
  }
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <class F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const lo::checkpoint_error& failure) {
    return failure.what();
  }
  return "nothing";
}

template <class Net>
content unbroken(const fs::path& path) {
  const pictures data;
  job<Net> one;
  one.trainer.fit(data.data(), data.data());
  lo::io::save(one.trainer, path);
  return content_of(path);
}

template <class Net>
void check_interruptions() {
  const temporary_folder here;
  const pictures data;
  const content expected = unbroken<Net>(here / "whole");
  CHECK(expected.run.at("run").at("epochs").size() == 3);
  CHECK(expected.run.at("run").at("epochs").back().at("boundary") > 0);
  // Written while it runs, after each step and behind each epoch.
  std::size_t pauses = 12;
  for (std::size_t at = 0; at < pauses; ++at) {
    CAPTURE(at);
    job<Net> first;
    std::size_t pause = 0;
    first.trainer.on_pause(1, [&] {
      if (pause++ == at) lo::io::save(first.trainer, here / "part");
    });
    first.trainer.fit(data.data(), data.data());
    pauses = pause;
    job<Net> second;
    lo::io::resume(second.trainer, here / "part");
    second.trainer.fit(data.data(), data.data());
    lo::io::save(second.trainer, here / "rest");
    expect_same(content_of(here / "rest"), expected);
  }
  CHECK(pauses == 12);
  // Stopped, then written.
  for (std::size_t at = 0; at < 12; ++at) {
    CAPTURE(at);
    job<Net> first;
    std::size_t step = 0;
    first.trainer.on_step([&](const lo::step_event&) {
      if (step++ == at) first.trainer.request_stop();
    });
    first.trainer.fit(data.data(), data.data());
    lo::io::save(first.trainer, here / "part");
    job<Net> second;
    lo::io::resume(second.trainer, here / "part");
    second.trainer.fit(data.data(), data.data());
    lo::io::save(second.trainer, here / "rest");
    expect_same(content_of(here / "rest"), expected);
  }
}

}  // namespace

TEST_CASE("checkpoint: a run interrupted at any step and taken up again is the unbroken one") {
  check_interruptions<net>();
  check_interruptions<supervised_network>();
}

TEST_CASE("checkpoint: a finished run goes on where there are more epochs") {
  const temporary_folder here;
  const pictures data;
  (void)unbroken<net>(here / "three");
  job<net> more;
  lo::io::resume(more.trainer, here / "three");
  CHECK(more.trainer.fit(data.data(), data.data()).epochs.size() == 3);  // nothing left to do
  CHECK(more.trainer.report().end == lo::ending::finished);
}

TEST_CASE("checkpoint: no byte may differ, none be missing or too many") {
  const temporary_folder here;
  (void)unbroken<supervised_network>(here / "good");
  const std::string good = bytes_of(here / "good");
  job<supervised_network> one;
  for (std::size_t i = 0; i < good.size(); i += i < 200 ? 1 : 23) {
    CAPTURE(i);
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    write(here / "bad", bad);
    CHECK(refusal([&] { lo::io::resume(one.trainer, here / "bad"); }) != "nothing");
  }
  for (std::size_t size = 0; size < good.size(); size += 1 + size / 3) {
    write(here / "bad", good.substr(0, size));
    CHECK(refusal([&] { lo::io::resume(one.trainer, here / "bad"); }) != "nothing");
  }
  write(here / "bad", good + '\0');
  CHECK(refusal([&] { lo::io::resume(one.trainer, here / "bad"); }) != "nothing");
  // After all this nothing has changed: a fit() begins anew.
  const pictures data;
  one.trainer.fit(data.data(), data.data());
  lo::io::save(one.trainer, here / "fresh");
  expect_same(content_of(here / "fresh"), content_of(here / "good"));
}

TEST_CASE("checkpoint: what belongs to another run says what differs") {
  const temporary_folder here;
  (void)unbroken<net>(here / "file");
  const std::string name = (here / "file").string();
  const auto refused = [&](auto& trainer) { return refusal([&] { lo::io::resume(trainer, here / "file"); }); };

  job<supervised_network> other_network;
  CHECK(refused(other_network.trainer) == name +
                                              ": operation 0 of the network: expected dense by error_feedback, stage "
                                              "0, 1x1x72 to 1x1x5, window 1x1/1+0*1, 1 group, "
                                              "365 parameters, values 0.99 0.001 1, found conv2d by oja, stage 0, "
                                              "6x6x2 to 4x4x4, window 3x3/1+0*1, 1 group, 76 "
                                              "parameters, values 1 0.9 0.999 1e-08 0");
  lo::model<net, cpu> model({.seed = 2});
  const auto trainer_of = [&](const auto& supervision, const auto& optimizer, const lo::train_options& options) {
    return lo::trainer{model, lo::scheduler::fixed{}, supervision, options, optimizer};
  };
  auto other_batch = trainer_of(lo::supervision::plateau{}, lo::optimizer::adam{}, {.batch = 5});
  CHECK(refused(other_batch) == name + ": batch: expected 5, found 4");
  auto other_seed = trainer_of(lo::supervision::plateau{}, lo::optimizer::adam{}, {.batch = 4, .seed = 3});
  CHECK(refused(other_seed) == name + ": seed: expected 3, found 1");
  auto other_supervision = trainer_of(lo::supervision::none{}, lo::optimizer::adam{}, {.batch = 4});
  CHECK(refused(other_supervision) == name + ": trainer::restore: bytes of supervision: expected 1, found 40");
  auto other_optimizer = trainer_of(lo::supervision::plateau{}, lo::optimizer::sgd{}, {.batch = 4});
  CHECK(refused(other_optimizer) ==
        name + ": gradient_descent: stored optimizer's values of a parameter: expected 96, found 192");
  // The values of a rule, of a policy of it, and of other layers; and where dropout's bits come from.
  const auto refused_with = [&](const auto& change) {
    job<net> one;
    change(one.model);
    const std::string said = refused(one.trainer);
    const auto expected = said.find(", values");
    return said.substr(name.size(), said.find(" of the network") - name.size()) +
           said.substr(expected, said.find(", found") - expected);
  };
  using trained = decltype(job<net>::model);
  CHECK(refused_with([](trained& m) { m.template layer<0>().local().step.scale = 0.5; }) ==
        ": operation 0, values 0.5 0.9 0.999 1e-08 0");
  CHECK(refused_with([](trained& m) { m.template layer<1>().epsilon = 0.25; }) == ": operation 1, values 0.1 0.25");
  CHECK(refused_with([](trained& m) { m.template layer<4>().rule().state_rate = 0.2; }) ==
        ": operation 4, values 0 0.2 0.001 1");
  CHECK(refused_with([](trained& m) { m.template layer<6>().rate = 0.1; }) == ": operation 6, values 0.1");
  lo::model<net, cpu> seeded({.seed = 8});
  lo::trainer other_model_seed{
      seeded, lo::scheduler::fixed{}, lo::supervision::plateau{}, {.batch = 4}, lo::optimizer::adam{}};
  CHECK(refused(other_model_seed) == name + ": model's seed: expected 8, found 2");
  lo::model<net> in_float;
  lo::trainer other_scalar{in_float, lo::scheduler::fixed{}, lo::supervision::plateau{}, {.batch = 4}};
  CHECK(refused(other_scalar) == name + ": scalar: expected float, found double");
  write(here / "file", "no checkpoint at all");
  CHECK(refused(other_scalar) ==
        name + ": at byte 0: expected a header of at most 12 bytes, found 7738140083766718318");
  lo::io::write_safetensors(here / "file", {});
  CHECK(refused(other_scalar) == name + ": expected a checkpoint of localis, found no \"localis\" in its metadata");

  // Data of another size are seen by fit().
  (void)unbroken<net>(here / "file");
  job<net> one;
  lo::io::resume(one.trainer, here / "file");
  const pictures data;
  const lo::data::arrays fewer({6, 6, 2}, std::span<const float>(data.x).first(8 * 72),
                               std::span<const std::uint32_t>(data.labels).first(8), 3);
  CHECK_THROWS_WITH_AS(one.trainer.fit(fewer),
                       "trainer: steps of an epoch: expected 4, as in the run that goes on, found 2", lo::config_error);
}

TEST_CASE("checkpoint_folder: a run goes on from the last file that loads, and is the unbroken one") {
  const temporary_folder here;
  const pictures data;
  const content expected = unbroken<net>(here / "whole");
  for (const std::size_t damaged : {0U, 1U, 2U}) {
    CAPTURE(damaged);
    std::vector<fs::path> files;
    {
      lo::io::checkpoint_folder kept(here / "kept", "run", 3);
      kept.clear();
      job<net> first;
      std::size_t pauses = 0;
      first.trainer.on_pause(1, [&] {
        kept.save(first.trainer);
        if (++pauses == 7) first.trainer.request_stop();
      });
      first.trainer.fit(data.data(), data.data());
      files = kept.files();
    }
    REQUIRE(files.size() == 3);
    CHECK(files[0].filename() == "run-step-000000007.checkpoint");
    for (std::size_t i = 0; i < damaged; ++i) fs::resize_file(files[i], fs::file_size(files[i]) - 1);

    job<net> second;
    lo::io::checkpoint_folder again(here / "kept", "run", 3);
    std::size_t told = 0;
    CHECK(again.resume(second.trainer, [&](const lo::checkpoint_error& failure) {
      CHECK(std::string(failure.what()).find(files[told].string()) == 0);
      ++told;
    }));
    CHECK(told == damaged);
    CHECK(second.trainer.state().step == 3 - damaged);  // of the second epoch
    second.trainer.on_pause(1, [&] { again.save(second.trainer); });
    second.trainer.fit(data.data(), data.data());
    expect_same(content_of(again.files().front()), expected);
    CHECK(again.files().size() == 3);
  }
  lo::io::checkpoint_folder kept(here / "kept", "run", 3);
  job<supervised_network> other;
  const std::string refused = refusal([&] { kept.resume(other.trainer); });
  CHECK(refused.find((here / "kept/run-step-000000012.checkpoint: operation 0 of the network: expected ").string()) ==
        0);
  lo::io::checkpoint_folder none(here / "kept", "other");
  CHECK_FALSE(none.resume(other.trainer));
}

TEST_CASE("checkpoint: an epoch keeps metrics and diagnoses, and one of a file from before there were any has none") {
  lo::epoch_record epoch;
  epoch.validation_metrics = {{"top_5", 0.1}, {"error", std::numeric_limits<double>::infinity()}};
  epoch.stage_cosines = {-0.1, std::numeric_limits<double>::infinity()};
  epoch.stage_dead_fractions = {0.3};
  nlohmann::json stored = lo::io::detail::to_json::encode(epoch);
  lo::epoch_record found;
  lo::io::detail::from_json::take(stored, found);
  CHECK(found.validation_metrics == epoch.validation_metrics);
  CHECK(found.stage_cosines == epoch.stage_cosines);
  CHECK(found.stage_dead_fractions == epoch.stage_dead_fractions);
  for (const char* name : {"validation_metrics", "stage_cosines", "stage_dead_fractions"}) stored.erase(name);
  lo::epoch_record earlier;
  lo::io::detail::from_json::take(stored, earlier);
  CHECK(earlier.stage_cosines.empty());
  CHECK(earlier.stage_dead_fractions.empty());
  CHECK(earlier.validation_metrics.empty());
}

TEST_CASE("checkpoint: where no run can stand is refused") {
  const pictures data;
  job<supervised_network> one;
  one.trainer.on_pause(2, [&] { one.trainer.request_stop(); });
  one.trainer.fit(data.data());
  const auto good = lo::store(one.trainer);
  REQUIRE(good.state.step > 0);
  REQUIRE(good.state.report.epochs.size() == 1);
  const auto refused = [&](std::size_t epoch, std::size_t step, std::size_t steps, std::size_t begun) {
    auto bad = good;
    bad.state.epoch = epoch;
    bad.state.step = step;
    bad.state.steps = steps;
    bad.state.report.epochs.resize(begun);
    return refusal([&] { lo::restore(one.trainer, bad); });
  };
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(refused(0, 4, 4, 1) == "nothing");
  CHECK(refused(0, 5, 4, 1) == "trainer::restore: step: expected at most 4, found 5");
  CHECK(refused(0, 1, 0, 1) == "trainer::restore: step: expected at most 0, found 1");
  CHECK(refused(2, 0, 4, 1) ==
        "trainer::restore: epoch: expected the one after those of the report (1, 0 of them under way), found 2");
  CHECK(refused(most, 3, 4, 0) ==
        "trainer::restore: epoch: expected the one after those of the report (0, 1 of them under way), found "
        "18446744073709551615");
}

TEST_CASE("checkpoint: remembered errors are refused where no rule remembers") {
  const pictures data;
  job<net> one;
  one.trainer.fit(data.data());
  auto run = lo::store(one.trainer);
  const std::size_t arrays = run.arrays.size();
  run.arrays["errors"].resize(3);
  CHECK(refusal([&] { lo::restore(one.trainer, run); }) ==
        lo::text("arrays: expected ", arrays, ", found ", arrays + 1));
}

TEST_CASE("checkpoint: text that is nested without end is refused") {
  const temporary_folder here;
  const std::string deep = R"({"format":)" + std::string(100000, '[') + std::string(100000, ']') + '}';
  lo::io::write_safetensors(here / "deep", {},
                            {{"localis", deep}, {"checksum", lo::io::detail::checksum(deep.data(), deep.size())}});
  CHECK(refusal([&] { (void)lo::io::read_checkpoint<double>(here / "deep"); }) ==
        (here / "deep").string() + ": metadata: expected JSON of at most 16 levels, found more");
}

TEST_CASE("checkpoint: where a file cannot be written the old one stays, and the run goes on") {
  const temporary_folder here;
  const content expected = unbroken<supervised_network>(here / "file");
  const std::string before = bytes_of(here / "file");
  const auto unharmed = [&] {
    job<supervised_network> other;
    return bytes_of(here / "file") == before && here.names() == std::vector<std::string>{"file"} &&
           refusal([&] { lo::io::resume(other.trainer, here / "file"); }) == "nothing";
  };
  job<supervised_network> one;
  std::size_t refused = 0;
  one.trainer.on_pause(1, [&] {
    const file_faults::no_file_beyond limit(refused * before.size() / 12);
    const std::string why = refusal([&] { lo::io::save(one.trainer, here / "file"); });
    CHECK(why == (here / "file").string() + ": cannot be written (by way of a file beside it): File too large");
    if (++refused % 4 == 1) CHECK(unharmed());
  });
  const pictures data;
  one.trainer.fit(data.data(), data.data());
  CHECK(refused == 12);
  CHECK(unharmed());
  lo::io::save(one.trainer, here / "new");
  expect_same(content_of(here / "new"), expected);
  fs::remove(here / "new");

  CHECK(refusal([&] { lo::io::save(one.trainer, here / "nowhere/file"); }).find("No such file or directory") !=
        std::string::npos);
  CHECK(refusal([&] { lo::io::save(one.trainer, here.path); }).find("Is a directory") != std::string::npos);
  CHECK(refusal([&] { lo::io::resume(one.trainer, here.path); }) ==
        here.path.string() + ": expected a readable file, found: Is a directory");
  CHECK(unharmed());
}

TEST_CASE("checkpoint: weights that are not finite come back as they were, and end the run where they show") {
  const temporary_folder here;
  const pictures data;
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    CAPTURE(bad);
    job<net> one;
    one.trainer.on_epoch([&](const lo::epoch_record&) { one.trainer.request_stop(); });
    one.trainer.fit(data.data(), data.data());
    bool first = true;
    one.model.for_each_parameter([&](const lo::operation&, const auto& p) {
      if (std::exchange(first, false)) p.value[3] = bad;
    });
    lo::io::save(one.trainer, here / "file");
    job<net> two;
    lo::io::resume(two.trainer, here / "file");
    std::string message;
    try {
      two.trainer.fit(data.data(), data.data());
    } catch (const lo::divergence_error& failure) {
      message = failure.what();
      CHECK(failure.epoch == 1);
      CHECK(failure.step == 0);
    }
    CHECK(
        message ==
        "training diverged: weight of operation 0 (conv2d) was not finite before this run at stage 0, epoch 1, step 0");
    CHECK(two.trainer.report().end == lo::ending::diverged);
    CHECK(two.trainer.report().message == message);
    CHECK(two.trainer.report().epochs.size() == 1);  // the one before
    // Nothing has changed.
    const std::string before = bytes_of(here / "file");
    lo::io::save(two.trainer, here / "file");
    CHECK(bytes_of(here / "file") == before);
  }
}

TEST_CASE("checkpoint: killed at any moment, a file that was there loads") {
#ifdef LOCALIS_TESTS_FULL
  constexpr std::size_t times = 200;
#else
  constexpr std::size_t times = 20;
#endif
  const temporary_folder here;
  (void)unbroken<supervised_network>(here / "file");
  const lo::random_stream random(9);
  for (std::size_t n = 0; n < times; ++n) {
    CAPTURE(n);
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        job<supervised_network> one;
        lo::io::resume(one.trainer, here / "file");
        for (;;) lo::io::save(one.trainer, here / "file");
      } catch (const lo::error&) {
        ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(1000 + random.integer(n, 20000)));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));  // not ended by itself, by an exception
    job<supervised_network> one;
    CHECK(refusal([&] { lo::io::resume(one.trainer, here / "file"); }) == "nothing");
  }
}

TEST_CASE("checkpoint: the samples without a label are stored, and older files, which do not count them, had none") {
  lo::epoch_sums sums;
  sums.correct = 3;
  sums.unlabelled = 5;
  nlohmann::json stored = lo::io::detail::to_json::encode(sums);
  lo::epoch_sums same;
  lo::io::detail::from_json::take(stored, same);
  CHECK(same.correct == 3);
  CHECK(same.unlabelled == 5);
  stored.erase("unlabelled");
  lo::epoch_sums older;
  lo::io::detail::from_json::take(stored, older);
  CHECK(older.correct == 3);
  CHECK(older.unlabelled == 0);
}

namespace {

using localis_test::run_ranks;
using localis_test::thread_ranks;
namespace runs = localis_test::small_runs;

/// A run on several ranks, of which the first alone has the file to resume, and the folder of the files that are
/// written: `part` after five steps, and `last` at the end. Returns what each rank has thrown.
std::vector<std::string> run_on(std::size_t count, const fs::path& first, const fs::path& part, const fs::path& last) {
  const lo::data::images data = runs::pictures(49);
  return run_ranks(count, [&](const thread_ranks& ranks) {
    runs::model model{{.seed = 2}};
    lo::trainer trainer{
        model, lo::scheduler::dynamic{}, lo::supervision::plateau{}, {.epochs = 3, .batch = 12, .local_rate = 0.01}};
    trainer.distribute(ranks);
    const auto own = [&](const fs::path& path) { return ranks.first() ? path : fs::path("nowhere/file"); };
    if (!first.empty()) lo::io::resume(trainer, own(first));
    std::size_t pauses = 0;
    trainer.on_pause(1, [&] {
      if (++pauses == 5 && !part.empty()) lo::io::save(trainer, own(part));
    });
    trainer.fit(data);
    lo::io::save(trainer, own(last));
  });
}

/// The largest difference of two runs' arrays, relative to the largest value.
double distance(const content& one, const content& other) {
  double largest = 0;
  double difference = 0;
  REQUIRE(one.tensors.size() == other.tensors.size());
  for (const auto& [name, values] : one.tensors) {
    const std::vector<double>& found = other.tensors.at(name);
    REQUIRE(found.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      largest = std::max(largest, std::abs(values[i]));
      difference = std::max(difference, std::abs(values[i] - found[i]));
    }
  }
  return difference / largest;
}

}  // namespace

TEST_CASE("checkpoint: of several ranks the first writes and reads, and the run goes on with any number") {
  const temporary_folder here;
  REQUIRE(run_on(3, {}, here / "part", here / "whole") == std::vector<std::string>(3));
  CHECK(here.names() == std::vector<std::string>{"part", "whole"});
  const content whole = content_of(here / "whole");
  for (const std::size_t count : {1U, 2U, 3U}) {
    CAPTURE(count);
    REQUIRE(run_on(count, here / "part", {}, here / "again") == std::vector<std::string>(count));
    const content again = content_of(here / "again");
    if (count == 3) expect_same(again, whole);
    CHECK(distance(whole, again) < 1e-12);
  }
}

TEST_CASE("checkpoint: what goes wrong on the first rank is the same error on all") {
  const temporary_folder here;
  (void)unbroken<net>(here / "good");
  const std::string bytes = bytes_of(here / "good");
  write(here / "bad", bytes.substr(0, bytes.size() - 1));
  std::vector<std::string> found(3);
  const auto refusals = [&](const auto& call) {
    CHECK(run_ranks(3, [&](const thread_ranks& ranks) {
            job<net> one;
            one.trainer.distribute(ranks);
            found[ranks.rank()] = refusal([&] { call(one.trainer, ranks.first()); });
          }) == std::vector<std::string>(3));
    CHECK(found[0].rfind(here.path.string(), 0) == 0);
    CHECK(found == std::vector<std::string>(3, found[0]));
    return found[0];
  };
  CHECK(refusals([&](auto& trainer, bool first) {
          lo::io::resume(trainer, here / (first ? "none" : "good"));
        }).find("No such file") != std::string::npos);
  (void)refusals([&](auto& trainer, bool first) { lo::io::resume(trainer, here / (first ? "bad" : "good")); });
  {
    const file_faults::no_file_beyond full(1000);
    CHECK(refusals([&](auto& trainer, bool) { lo::io::save(trainer, here / "new"); }).find("File too large") !=
          std::string::npos);
  }
  CHECK(here.names() == std::vector<std::string>{"bad", "good"});

  // The first rank alone decides whether there is a run to resume.
  std::vector<int> resumed(2, -1);
  const auto resume = [&](const char* first, const char* other) {
    CHECK(run_ranks(2, [&](const thread_ranks& ranks) {
            job<net> one;
            one.trainer.distribute(ranks);
            lo::io::checkpoint_folder kept(here / (ranks.first() ? first : other), "run");
            resumed[ranks.rank()] = kept.resume(one.trainer) ? 1 : 0;
          }) == std::vector<std::string>(2));
  };
  fs::create_directory(here / "folder");
  fs::rename(here / "good", here / "folder/run-step-000000012.checkpoint");
  resume("folder", "nothing");
  CHECK(resumed == std::vector<int>{1, 1});
  resume("nothing", "folder");
  CHECK(resumed == std::vector<int>{0, 0});
}
