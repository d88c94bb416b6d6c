// Measures steps on the ranks that mpirun has started. benchmarks/distributed.sh starts it for every round, and
// bench_report prints the tables. The first rank writes the figures.
//
//   --scaling          images per second of gradient descent: real_time is the mean of a step
//   --link NAME        steps of several ways to train: real_time as it is, own_ms as long as each rank computes its
//                      part without the others, sent_bytes that the first rank has sent over --interface, and
//                      predicted_bytes
//   --pictures FOLDER  test accuracy after four epochs, by how often the ranks exchange what they learn
//
// Steps are those of a trainer, all in one epoch. Ranks exchange after every step, or after every eighth one; the means
// are over a multiple of eight steps, and begin after the first eight.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lab/report/run_program.hpp"
#include "machine_text.hpp"
#include <nlohmann/json.hpp>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/cifar.hpp>
#include <localis/data/gzip.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/io/replace_file.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/learning_rate/constant.hpp>
#include <localis/learning_rate/cosine.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/model.hpp>
#include <localis/model/traffic.hpp>
#include <localis/mpi/communicator.hpp>
#include <localis/mpi/session.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/six_stages.hpp>

namespace lo = localis;

namespace {

using cpu = lo::cpu::backend<float>;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;
using main_network = lo::zoo::six_stages<10, oja>;
using dense_network =
    lo::network<lo::image<32, 32, 3>, lo::dense<1024, oja>, lo::relu, lo::dense<1024, oja>, lo::relu, lo::dense<10>>;

constexpr std::size_t exchange_every = 8;
constexpr lo::optimizer::sgd descent{.momentum = 0.9, .weight_decay = 5e-4};

/// How ranks train, and what they exchange.
struct way {
  const char* name;
  std::size_t boundary = 0;
  double local_rate = 0;
  lo::prefix_normalization normalization = lo::prefix_normalization::running;
  lo::rank_options exchanges = {};
};

/// The steps of one epoch, of which the first ones only warm up.
struct epoch_plan {
  std::size_t batch;  ///< of all ranks
  std::size_t warm;
  std::size_t timed;
};

struct step_cost {
  double milliseconds = 0;
  double sent_bytes = 0;
  double predicted_bytes = 0;
};

/// The figures of this launch, as bench_report reads them.
class figures {
 public:
  figures(const lo::mpi::communicator& ranks, std::string path) : ranks_(ranks), path_(std::move(path)) {}

  void add(const std::string& name, double milliseconds, nlohmann::json more) {
    if (!ranks_.first()) return;
    std::cerr << name << ": " << examples::fixed(milliseconds, 3) << " ms" << std::endl;
    more.update({{"name", name}, {"time_unit", "ms"}, {"real_time", milliseconds}});
    rows_.push_back(std::move(more));
  }
  void write(const std::string& machine) const {
    if (!ranks_.first()) return;
    const nlohmann::json all{{"context", {{"machine", machine}}}, {"benchmarks", rows_}};
    lo::io::replace_file(path_, all.dump(1) + '\n');
  }

 private:
  const lo::mpi::communicator& ranks_;
  std::string path_;
  nlohmann::json rows_ = nlohmann::json::array();
};

/// The first line of what MPI says of itself, without the maker of the package.
std::string mpi_name() {
  std::string name(MPI_MAX_LIBRARY_VERSION_STRING, ' ');
  int length = 0;
  MPI_Get_library_version(name.data(), &length);
  name.resize((std::min)(name.find_first_of(",\n"), static_cast<std::size_t>(length)));
  std::replace(name.begin(), name.end(), '\t', ' ');
  return name;
}

/// What has gone over a network device since it is there; NaN without a name.
double bytes_over(const std::string& interface) {
  if (interface.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::string path = "/sys/class/net/" + interface + "/statistics/tx_bytes";
  std::ifstream file(path);
  double bytes = 0;
  if (!(file >> bytes)) throw lo::config_error(lo::text("--interface: expected a number in ", path, ", found none"));
  return bytes;
}

/// The least bytes that a rank sends in the mean of a step. Where ranks act alone between exchanges, they average their
/// arrays in place of the sums of a step; the stages behind the boundary do so here only if there are none before it.
template <class Model, class Descent>
double predict_bytes(Model& model, Descent& optimizer, const way& method, std::size_t batch, std::size_t ranks) {
  const bool prefix_alone = method.exchanges.prefix_every > 1;
  const bool suffix_alone = method.exchanges.suffix_every > 1;
  lo::step_traffic sums = lo::traffic_of_step<Model>(
      {.boundary = method.boundary,
       .ranks = ranks,
       .samples = batch,
       .learns = method.local_rate > 0 && !prefix_alone,
       .normalization = prefix_alone ? lo::prefix_normalization::frozen : method.normalization,
       .statistics = method.exchanges.statistics});
  if (suffix_alone) sums.gradients = sums.normalization = 0;
  if (prefix_alone || suffix_alone) sums.numbers += 4 * Model::stages;  // the means of update norms
  std::size_t averaged = 0;
  const auto add = [&](const lo::operation& op, const auto& array) {
    if (op.stage < method.boundary ? prefix_alone : suffix_alone) averaged += array.size();
  };
  model.for_each_parameter(add);
  model.for_each_state(add);
  if (suffix_alone) optimizer.for_each_state(add);
  const lo::step_traffic average{averaged};
  return sums.sent_bytes(sizeof(float), ranks) + average.sent_bytes(sizeof(float), ranks) / exchange_every;
}

/// @param ranks  null if this rank takes the steps without others
template <class Network>
step_cost take_steps(const lo::mpi::communicator* ranks, std::size_t threads, const way& method, const epoch_plan& plan,
                     const std::string& interface) {
  using clock = std::chrono::steady_clock;
  const lo::shape& in = Network::input;
  const auto data =
      lo::data::synthetic_images(plan.batch * (plan.warm + plan.timed), in.height, in.width, in.channels, 10, 1);
  lo::model<Network, cpu> model{{.seed = 1}, cpu({.threads = threads})};
  lo::trainer trainer{
      model,
      lo::scheduler::fixed{method.boundary},
      lo::supervision::none{},
      {.epochs = 1, .batch = plan.batch, .local_rate = method.local_rate, .normalization = method.normalization},
      descent,
      lo::learning_rate::constant{1e-3}};
  step_cost cost;
  if (ranks != nullptr) trainer.distribute(*ranks, method.exchanges);
  clock::time_point begin;
  trainer.on_step([&](const lo::step_event& event) {
    const auto moment = clock::now();
    if (event.step + 1 == plan.warm) {
      begin = moment;
      cost.sent_bytes = -bytes_over(interface);
    }
    if (event.step + 1 == event.steps) {
      const auto count = static_cast<double>(plan.timed);
      cost.milliseconds = std::chrono::duration<double, std::milli>(moment - begin).count() / count;
      cost.sent_bytes = (cost.sent_bytes + bytes_over(interface)) / count;
    }
  });
  trainer.fit(data);
  if (ranks != nullptr) {
    cost.predicted_bytes = predict_bytes(model, trainer.descent(), method, plan.batch, ranks->size());
  }
  return cost;
}

template <class Network>
void measure_scaling(const lo::mpi::communicator& ranks, const std::string& network, const epoch_plan& plan,
                     figures& results) {
  const std::size_t workers = ranks.size() * ranks.threads();
  for (const std::size_t parts : std::set<std::size_t>{1, workers}) {
    const epoch_plan steps{plan.batch * parts, plan.warm, plan.timed};
    const auto measure = [&](lo::batch_statistics statistics) {
      const way sgd{.name = "sgd", .exchanges = {.statistics = statistics}};
      return take_steps<Network>(&ranks, ranks.threads(), sgd, steps, "").milliseconds;
    };
    const auto rate = [&](double milliseconds) { return static_cast<double>(1000 * steps.batch) / milliseconds; };
    const double all = measure(lo::batch_statistics::all);
    nlohmann::json more{{"items_per_second", rate(all)}};
    if (ranks.size() > 1) more["own_items_per_second"] = rate(measure(lo::batch_statistics::own));
    results.add(lo::text(network, "/batch:", steps.batch, "/ranks:", ranks.size(), "/threads:", ranks.threads()), all,
                more);
  }
}

template <class Network>
void measure_link(const lo::mpi::communicator& ranks, const std::string& network, const std::string& link,
                  const std::string& interface, const epoch_plan& plan, figures& results) {
  constexpr std::size_t late = Network::highest_boundary;
  constexpr double rate = 1e-6;  // of the norm of the weights, so that nothing grows during the measurement
  const way ways[] = {
      {.name = "sgd"},
      {.name = "sgd, suffix_every 8", .exchanges = {.suffix_every = exchange_every}},
      {.name = "localized", .boundary = late, .local_rate = rate},
      {.name = "localized, prefix_every 8",
       .boundary = late,
       .local_rate = rate,
       .exchanges = {.prefix_every = exchange_every}},
      {.name = "frozen", .boundary = late, .normalization = lo::prefix_normalization::frozen},
  };
  const epoch_plan part{plan.batch / ranks.size(), plan.warm, plan.timed};
  for (const way& method : ways) {
    const step_cost cost = take_steps<Network>(&ranks, ranks.threads(), method, plan, interface);
    // As in a step of all, the others compute meanwhile: the sum lets them begin together.
    double own_time = 0;
    ranks.sum(std::span<double>(&own_time, 1));
    own_time = take_steps<Network>(nullptr, ranks.threads(), method, part, "").milliseconds;
    ranks.sum(std::span<double>(&own_time, 1));
    own_time /= static_cast<double>(ranks.size());
    results.add(lo::text(network, "/link:", link, '/', method.name, "/T:", method.boundary), cost.milliseconds,
                {{"own_ms", own_time}, {"sent_bytes", cost.sent_bytes}, {"predicted_bytes", cost.predicted_bytes}});
  }
}

template <class Network>
void measure_accuracy(const lo::mpi::communicator& ranks, const std::string& name, const lo::data::image_set& pictures,
                      std::uint64_t seed, figures& results) {
  struct run {
    const char* name;
    std::size_t last;  ///< boundary, to which it moves from 0
    lo::rank_options exchanges;
  };
  constexpr std::size_t late = Network::highest_boundary;
  const run runs[] = {
      {"localized", late, {}},
      {"localized, prefix_every 8", late, {.prefix_every = exchange_every}},
      {"localized, suffix_every 8", late, {.suffix_every = exchange_every, .suffix_from_epoch = 2}},
      {"sgd", 0, {}},
      {"sgd, suffix_every 8", 0, {.suffix_every = exchange_every, .suffix_from_epoch = 2}},
  };
  const auto normalize = lo::data::channel_statistics(pictures.train);
  const lo::data::augmented train(
      pictures.train, lo::data::augmentation{.padding = 4, .flip = true, .normalize = normalize, .seed = seed});
  const lo::data::augmented test(pictures.test, lo::data::augmentation{.normalize = normalize});
  for (const run& one : runs) {
    lo::model<Network, cpu> model{{.seed = seed}, cpu({.threads = ranks.threads()})};
    lo::trainer trainer{model,
                        lo::scheduler::linear{.last = one.last},
                        lo::supervision::none{},
                        {.epochs = 4, .batch = 128, .local_rate = 1e-5, .seed = seed},
                        descent,
                        lo::learning_rate::cosine{.rate = 0.1}};
    trainer.distribute(ranks, one.exchanges);
    const double seconds = trainer.fit(train).seconds;
    results.add(lo::text(name, "/accuracy/", one.name), 1000 * seconds,
                {{"accuracy", lo::evaluate(model, test).accuracy}});
  }
}

void measure_accuracy(const lo::mpi::communicator& ranks, const std::filesystem::path& folder, std::uint64_t seed,
                      figures& results) {
  if (std::filesystem::exists(folder / "data_batch_1.bin")) {
    measure_accuracy<lo::zoo::six_stages_32<10, oja>>(ranks, "cifar10", lo::data::cifar10(folder), seed, results);
  } else {
    measure_accuracy<main_network>(ranks, "fashion_mnist", lo::data::fashion_mnist(folder), seed, results);
  }
}

}  // namespace

int main(int count, char** arguments) {
  return examples::run_program("distributed", "Measures training steps on several ranks.", [&](CLI::App& app) {
    bool scaling = false;
    bool quick = false;
    std::string link;
    std::string interface;
    std::string folder;
    std::uint64_t seed = 1;
    std::string path;
    app.add_flag("--scaling", scaling, "Measures images per second");
    app.add_option("--link", link, "Measures steps over a link, which gets this name");
    app.add_option("--interface", interface, "Device of the link, whose bytes are read");
    app.add_option("--pictures", folder, "Measures accuracies on CIFAR-10 or Fashion-MNIST, whichever this folder has");
    app.add_option("--seed", seed, "Of the accuracies");
    app.add_flag("--quick", quick, "A few steps of one network, to check that everything works");
    app.add_option("--json", path, "File of the figures")->required();
    app.parse(count, arguments);

    const lo::mpi::session mpi{
        count, arguments, {.on_stall = [](const std::string& message) { std::cerr << message << std::endl; }}};
    const lo::mpi::communicator ranks{mpi};
    if (!ranks.first()) interface.clear();  // the other end of the link has another name
    figures results(ranks, path);
    if (scaling) {
      measure_scaling<main_network>(ranks, "main", quick ? epoch_plan{16, 1, 2} : epoch_plan{128, 2, 30}, results);
      if (!quick) measure_scaling<lo::zoo::resnet20<10, oja>>(ranks, "resnet20", {128, 1, 6}, results);
    }
    if (!link.empty()) {
      const std::size_t batch = quick ? 16 : 128;
      const std::size_t steps = quick ? exchange_every : 4 * exchange_every;
      measure_link<main_network>(ranks, "main", link, interface, {batch, exchange_every, steps}, results);
      if (!quick) {
        measure_link<dense_network>(ranks, "dense", link, interface, {batch, exchange_every, exchange_every}, results);
      }
    }
    if (!folder.empty()) measure_accuracy(ranks, folder, seed, results);
    results.write(benchmarks::machine_text(lo::text(cpu::instructions(), "; ", mpi_name())));
    return 0;
  });
}
