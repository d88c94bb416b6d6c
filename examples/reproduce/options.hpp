#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "../lab/report/run_program.hpp"

#include <localis/core/error.hpp>

/// The command lines of the programs that repeat published experiments. Each function reads one and does the work; it
/// returns the exit status.
namespace examples::reproduce {

/// What all of them have in common.
struct options {
  std::string data;          ///< folder
  std::size_t pictures = 0;  ///< to train with; 0: all
  std::size_t epochs = 50;   ///< of what learns by gradient
  std::size_t threads = 0;   ///< 0: all
  std::uint64_t seed = 1;
};

/// Adds these options to the command line.
inline void add_options(CLI::App& app, options& chosen) {
  app.option_defaults()->always_capture_default();
  app.add_option("--pictures", chosen.pictures, "to train with; 0: all");
  app.add_option("--epochs", chosen.epochs, "of what learns by gradient");
  app.add_option("--threads", chosen.threads, "processor threads; 0: all");
  app.add_option("--seed", chosen.seed, "of the first weights and the order of the pictures");
}

[[nodiscard]] inline int soft_hebb(int argc, const char* const* argv, const std::function<int(const options&)>& work) {
  return run_program("soft_hebb", "Reproduces the accuracy of SoftHebb on CIFAR-10.", [&](CLI::App& app) {
    options chosen;
    app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10")->required();
    add_options(app, chosen);
    app.parse(argc, argv);
    return work(chosen);
  });
}

[[nodiscard]] inline int local_losses(int argc, const char* const* argv,
                                      const std::function<int(const options&)>& work) {
  constexpr const char* task = "Reproduces the order of Nokland and Eidnes's local losses on CIFAR-10.";
  return run_program("local_losses", task, [&](CLI::App& app) {
    options chosen;
    app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10")->required();
    add_options(app, chosen);
    app.parse(argc, argv);
    return work(chosen);
  });
}

struct krotov_hopfield_options : options {
  bool quick = false;              ///< the embedded digits, for some epochs
  std::size_t local_epochs = 200;  ///< of the rule
  double local_rate = 0.02;        ///< largest change of a weight in a step, at first
  std::size_t rank = 7;
  double delta = 0.4;
  double norm = 3;
  double learning_rate = 0.01;  ///< of the read-out, at first
};

[[nodiscard]] inline int krotov_hopfield(int argc, const char* const* argv,
                                         const std::function<int(const krotov_hopfield_options&)>& work) {
  constexpr const char* task = "Reproduces the test error of Krotov and Hopfield's competing hidden units on MNIST.";
  return run_program("krotov_hopfield", task, [&](CLI::App& app) {
    constexpr std::size_t quick_epochs = 20;
    krotov_hopfield_options chosen;
    auto* data = app.add_option("--data", chosen.data, "folder with the four IDX files of MNIST, or of Fashion-MNIST");
    app.add_flag("--quick", chosen.quick, "trains on the embedded digits, by default for 20 epochs")->excludes(data);
    add_options(app, chosen);
    app.add_option("--local-epochs", chosen.local_epochs, "of the local rule");
    app.add_option("--local-rate", chosen.local_rate, "the largest change of a weight in a local step, at first");
    app.add_option("--rank", chosen.rank, "of the unit that is pushed away");
    app.add_option("--delta", chosen.delta, "how strongly, as a fraction of the winner's step");
    app.add_option("--norm", chosen.norm, "p of the p-norm of a unit's weights, which tends to 1");
    app.add_option("--learning-rate", chosen.learning_rate, "of the read-out, at first");
    app.parse(argc, argv);
    localis::expect(chosen.quick || !chosen.data.empty(), "--data",
                    "the folder of the pictures, or --quick for the embedded digits", "none");
    if (chosen.quick && app.count("--epochs") == 0) chosen.epochs = quick_epochs;
    if (chosen.quick && app.count("--local-epochs") == 0) chosen.local_epochs = quick_epochs;
    return work(chosen);
  });
}

struct selective_localized_options {
  std::string data;    ///< folder
  bool quick = false;  ///< synthetic pictures and a small network
  std::string network = "both";
  std::string seeds = "1,2,3,4,5";
  std::size_t pictures = 0;  ///< to train with; 0: all
  std::size_t epochs = 30;
  std::size_t batch = 128;
  std::size_t threads = 0;      ///< 0: all
  double learning_rate = 0.05;  ///< at first
  double local_rate = 1e-6;     ///< relative step of oja
};

[[nodiscard]] inline int selective_localized(int argc, const char* const* argv,
                                             const std::function<int(const selective_localized_options&)>& work) {
  constexpr const char* task = "Repeats the headline of LoCal+SGD on CIFAR-10, beside the curve of gradient descent.";
  return run_program("selective_localized", task, [&](CLI::App& app) {
    constexpr std::size_t quick_epochs = 4;
    selective_localized_options chosen;
    auto* data = app.add_option("--data", chosen.data, "folder with the official binary files of CIFAR-10");
    app.add_flag("--quick", chosen.quick, "trains a small network on synthetic pictures, by default for 4 epochs")
        ->excludes(data);
    app.option_defaults()->always_capture_default();
    app.add_option("--network", chosen.network, "resnet18, vgg11 or both")
        ->check(CLI::IsMember({"resnet18", "vgg11", "both"}));
    app.add_option("--seeds", chosen.seeds, "each run is done once from each of them, with commas between them");
    app.add_option("--pictures", chosen.pictures, "to train with; 0: all");
    app.add_option("--epochs", chosen.epochs, "of every run but those of gradient descent with fewer");
    app.add_option("--batch", chosen.batch, "pictures of a step");
    app.add_option("--threads", chosen.threads, "processor threads; 0: all");
    app.add_option("--learning-rate", chosen.learning_rate, "at first; it falls to 0 along a cosine");
    app.add_option("--local-rate", chosen.local_rate, "relative step of oja");
    app.parse(argc, argv);
    localis::expect(chosen.quick || !chosen.data.empty(), "--data",
                    "the folder of the pictures, or --quick for synthetic ones", "none");
    if (chosen.quick && app.count("--epochs") == 0) chosen.epochs = quick_epochs;
    if (chosen.quick && app.count("--seeds") == 0) chosen.seeds = "1,2,3";
    if (chosen.quick && app.count("--batch") == 0) chosen.batch = 64;
    return work(chosen);
  });
}

}  // namespace examples::reproduce
