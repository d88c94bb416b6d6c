// job FOLDER [FAULT]: a run of 50 steps as a user would write it, which keeps checkpoints in FOLDER, resumes from the
// last one, and at its end writes FOLDER/weights. FAULT is what happens at step 37, to the last rank unless another is
// named:
//
//   kill, stop   it gets SIGKILL or SIGSTOP
//   data         its data set throws data_error
//   catch        the same, which its program catches within the session and ends with abort()
//   full         the disk of the first rank is full, and each rank writes the message that it gets to FOLDER/RANK
//   slow         it pauses for a second
//
// job FILE compare FILE: whether two files of weights differ by at most 1e-12 of the largest.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/small_runs.hpp"
#include <sys/resource.h>

#include <localis/core/error.hpp>
#include <localis/io/checkpoint.hpp>
#include <localis/io/checkpoint_folder.hpp>
#include <localis/mpi/communicator.hpp>
#include <localis/mpi/session.hpp>
#include <localis/scheduler/dynamic.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/trainer.hpp>

namespace {

namespace lo = localis;
namespace runs = localis_test::small_runs;

std::vector<double> read_weights(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<double> all;
  for (double value = 0; file.read(reinterpret_cast<char*>(&value), sizeof(value));) all.push_back(value);
  return all;
}

int compare(const std::filesystem::path& one, const std::filesystem::path& other) {
  const std::vector<double> a = read_weights(one);
  const std::vector<double> b = read_weights(other);
  if (a.empty() || a.size() != b.size()) return 1;
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = (std::max)(largest, std::abs(a[i]));
    difference = (std::max)(difference, std::abs(a[i] - b[i]));
  }
  std::printf("weights differ by %g of %g\n", difference, largest);
  return difference <= 1e-12 * largest ? 0 : 1;
}

/// Pictures that cannot be read from some moment on.
struct failing {
  lo::data::images real;
  const std::atomic<bool>& fails;
  [[nodiscard]] std::size_t size() const { return real.size(); }
  [[nodiscard]] std::size_t height() const { return real.height(); }
  [[nodiscard]] std::size_t width() const { return real.width(); }
  [[nodiscard]] std::size_t channels() const { return real.channels(); }
  [[nodiscard]] std::size_t classes() const { return real.classes(); }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    if (fails) throw lo::data_error("picture: expected bytes, found none");
    return real.read(index, features);
  }
};

void fill_disk() {
  (void)std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1000, 1000};
  (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

void train(const lo::mpi::communicator& ranks, const std::filesystem::path& folder, std::string_view fault) {
  std::atomic<bool> fails = false;
  const failing data{runs::pictures(49), fails};
  runs::model model{{.seed = 2}};
  lo::trainer trainer{
      model, lo::scheduler::dynamic{}, lo::supervision::loss_gain{}, {.epochs = 10, .batch = 12, .local_rate = 0.01}};
  trainer.distribute(ranks);
  lo::io::checkpoint_folder kept(folder / "checkpoints", "run");
  (void)kept.resume(trainer);
  const bool last = ranks.rank() + 1 == ranks.size();
  trainer.on_pause(5, [&] { kept.save(trainer); });
  trainer.on_step([&](const lo::step_event& event) {
    if (event.epoch * event.steps + event.step != 37) return;
    if (fault == "full" && ranks.first()) fill_disk();
    if (!last) return;
    if (fault == "kill") (void)std::raise(SIGKILL);
    if (fault == "stop") (void)std::raise(SIGSTOP);
    if (fault == "slow") std::this_thread::sleep_for(std::chrono::seconds(1));
    fails = fault == "data" || fault == "catch";
  });
  try {
    trainer.fit(data);
  } catch (const lo::error& failure) {
    if (fault == "full") {
      std::ofstream(folder / std::to_string(ranks.rank())) << failure.what() << '\n';
      (void)ranks.gather("written");  // the first one that ends would end those that have not written yet
    }
    throw;
  }
  if (!ranks.first()) return;
  const std::vector<double> weights = runs::parameters(model);
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "weights", std::ios::binary)
      .write(reinterpret_cast<const char*>(weights.data()),
             static_cast<std::streamsize>(weights.size() * sizeof(double)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() == 4) return compare(arguments[1], arguments[3]);
  const std::string fault = arguments.size() > 2 ? arguments[2] : "";
  lo::mpi::session_options options;
  options.on_stall = [](const std::string& message) { std::fprintf(stderr, "%s\n", message.c_str()); };
  if (fault == "stop" || fault == "slow") options.stall_notice = std::chrono::milliseconds(300);
  if (fault == "stop") options.stall_limit = std::chrono::seconds(2);
  try {
    lo::mpi::session mpi{argc, argv, options};
    const lo::mpi::communicator ranks{mpi};
    if (fault != "catch") {
      train(ranks, arguments.at(1), fault);
      return 0;
    }
    try {
      train(ranks, arguments.at(1), fault);
    } catch (const lo::data_error& failure) {
      std::printf("%s\n", failure.what());
      lo::mpi::session::abort();
    }
  } catch (const std::exception& failure) {
    std::printf("%s\n", failure.what());
    return 1;
  }
}
