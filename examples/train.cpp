// The reference trainer, on one page: options, data, network, trainer, progress, and a table at the end. Copy it to
// begin a program of your own. `train --help` lists the options; without any option it trains on the embedded digits
// for seconds. The program in lab/ performs many runs, compares them, and reports them on a page.
// Built with LOCALIS_EXAMPLES_MPI, it runs under mpirun by the functions of ranks.hpp and rank_program.hpp.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "digits.hpp"
#include "rank_program.hpp"
#include <CLI/CLI.hpp>
#include <unistd.h>

#include <localis/data/gzip.hpp>
#include <localis/localis.hpp>

namespace lo = localis;

namespace {

// ---- options ----

struct options {
  std::string fashion_mnist;  ///< folder of Fashion-MNIST; empty: not used
  std::string cifar10;
  std::string boundary = "linear";
  std::size_t epochs = 5;
  std::size_t batch = 64;
  std::size_t threads = 0;
  std::uint64_t seed = 1;
  double learning_rate = 0.02;
  double local_rate = 1e-6;
};

options read_options(CLI::App& app, int argc, char** argv) {
  options chosen;
  auto* fashion =
      app.add_option("--fashion-mnist", chosen.fashion_mnist, "folder with the four files of Fashion-MNIST");
  app.add_option("--cifar10", chosen.cifar10, "folder with the six binary files of CIFAR-10")->excludes(fashion);
  app.add_option("--boundary", chosen.boundary, "where it lies: gradient (at 0), linear or dynamic")
      ->check(CLI::IsMember({"gradient", "linear", "dynamic"}))
      ->capture_default_str();
  app.add_option("--epochs", chosen.epochs, "passes over the training pictures")->capture_default_str();
  app.add_option("--batch", chosen.batch, "pictures of a step")->capture_default_str();
  app.add_option("--threads", chosen.threads, "processor threads of a rank; 0: all")->capture_default_str();
  app.add_option("--seed", chosen.seed, "of weights, order and split")->capture_default_str();
  app.add_option("--learning-rate", chosen.learning_rate, "of gradient descent, at first")->capture_default_str();
  app.add_option("--local-rate", chosen.local_rate, "of stages before the boundary; 0: frozen")->capture_default_str();
  app.parse(argc, argv);
  return chosen;
}

lo::scheduler::any scheduler(const std::string& name) {
  if (name == "linear") return lo::scheduler::any(lo::scheduler::linear{});
  if (name == "dynamic") return lo::scheduler::any(lo::scheduler::dynamic{});
  return lo::scheduler::any(lo::scheduler::fixed{0});
}

// ---- network ----

using rule = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;
// clang-format off
template <class Input>
using net = lo::network<Input,
    lo::conv2d<32, 3, lo::padding<1>, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::conv2d<64, 3, lo::padding<1>, rule>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::dense<128, rule>, lo::batch_norm, lo::relu, lo::dropout,
    lo::dense<10>>;
// clang-format on

// ---- trainer ----

/// Trains on nine tenths of the training pictures, and evaluates the test pictures once, at the end.
template <class Input>
void train(const options& chosen, const lo::data::any& training, const lo::data::any& test) {
  const auto parts = lo::data::split(training, lo::data::validation_fraction{0.1}, chosen.seed);
  const lo::cpu::backend<float> backend{{.threads = examples::thread_count(chosen.threads)}};
  lo::model<net<Input>> model{{.seed = chosen.seed}, backend};
  lo::trainer trainer{
      model,
      scheduler(chosen.boundary),
      lo::supervision::none{},
      {.epochs = chosen.epochs, .batch = chosen.batch, .local_rate = chosen.local_rate, .seed = chosen.seed},
      lo::optimizer::sgd{.momentum = 0.9, .weight_decay = 5e-4},
      lo::learning_rate::cosine{.rate = chosen.learning_rate}};
  examples::distribute(trainer);  // if mpirun has started several ranks
  const bool terminal = examples::ranks().first() && isatty(STDERR_FILENO) != 0;
  trainer.on_step([terminal](const lo::step_event& event) {
    if (!terminal || event.step % 10 != 0) return;
    std::fprintf(stderr, "\repoch %zu/%zu, step %zu/%zu, loss %.3f   ", event.epoch + 1, event.epochs, event.step + 1,
                 event.steps, event.loss);
  });
  const lo::report& report = trainer.fit(parts.train, parts.validation);
  if (terminal) std::fprintf(stderr, "\r\033[K");

  std::printf("epoch  boundary    loss  valid. %%  seconds\n");
  for (const lo::epoch_record& e : report.epochs) {
    std::printf("%5zu  %8zu  %6.4f  %8.2f  %7.2f\n", e.epoch + 1, e.boundary, e.loss, 100 * e.validation_accuracy,
                e.seconds);
  }
  std::printf("test accuracy %.2f %%, %.2f s, peak memory %.1f MB\n", 100 * lo::evaluate(model, test).accuracy,
              report.seconds, 1e-6 * static_cast<double>(report.memory.peak));
}

// ---- data ----

int run(const options& chosen) {
  using lo::data::any;
  if (!chosen.cifar10.empty()) {
    lo::data::image_set pictures = lo::data::cifar10(chosen.cifar10);
    train<lo::image<32, 32, 3>>(chosen, any(std::move(pictures.train)), any(std::move(pictures.test)));
  } else if (!chosen.fashion_mnist.empty()) {
    lo::data::image_set pictures = lo::data::fashion_mnist(chosen.fashion_mnist);
    train<lo::image<28, 28, 1>>(chosen, any(std::move(pictures.train)), any(std::move(pictures.test)));
  } else {
    const lo::data::images digits = examples::digits();
    const auto parts = lo::data::split(digits, lo::data::validation_count{397}, chosen.seed);
    train<lo::image<28, 28, 1>>(chosen, any(parts.train), any(parts.validation));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return examples::run_on_ranks("train", "Trains one network on pictures, and prints a table of its epochs.",
                                [&](CLI::App& app) { return run(read_options(app, argc, argv)); });
}
