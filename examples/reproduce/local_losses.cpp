// Reproduces the order of Nokland and Eidnes's local losses on CIFAR-10: every stage but the last learns from the start
// by a loss of its own. The baselines are gradient descent through the whole network, and random first stages.
// local_losses.hpp has the network and says what differs from the paper.

#include "local_losses.hpp"

#include <cstddef>
#include <cstdio>
#include <utility>

#include "options.hpp"

#include <localis/localis.hpp>

namespace lo = localis;
namespace rule = localis::rule;
using examples::reproduce::options;

namespace {

constexpr std::size_t batch = 128;

/// The test error, and the seconds of training.
template <class Rule, class Data>
std::pair<double, double> train_and_test(bool local, double local_rate, const Data& train, const lo::data::any& test,
                                         const options& chosen) {
  namespace local_losses = examples::local_losses;
  using net = local_losses::network<Rule>;
  lo::model<net> model{{.seed = chosen.seed}, lo::cpu::backend<float>{{.threads = chosen.threads}}};
  const std::size_t steps = (train.size() + batch - 1) / batch * chosen.epochs;
  const auto falling = [](double epoch, double length) {
    return local_losses::rate * local_losses::factor_after(epoch / length);
  };
  lo::trainer trainer(model, lo::scheduler::fixed{local ? net::highest_boundary : 0}, local_losses::falling_gain{steps},
                      {.epochs = chosen.epochs,
                       .batch = batch,
                       .local_rate = local_rate,
                       .normalization = lo::prefix_normalization::batch,
                       .seed = chosen.seed},
                      lo::optimizer::adam{}, falling);
  const double seconds = trainer.fit(train).seconds;
  return {1 - lo::evaluate(model, test).accuracy, seconds};
}

int reproduce(const options& chosen) {
  lo::data::image_set cifar = lo::data::cifar10(chosen.data);
  const auto normalize = lo::data::channel_statistics(cifar.train);
  const lo::data::subset pictures(cifar.train, 0, chosen.pictures == 0 ? cifar.train.size() : chosen.pictures);
  const lo::data::augmented train(
      pictures, lo::data::augmentation{.padding = 4, .flip = true, .normalize = normalize, .seed = chosen.seed});
  const lo::data::any seen(std::move(cifar.test));
  const lo::data::any test = lo::data::any_view(seen, [&](const lo::data::any& data) {
    return lo::data::augmented<lo::data::any>(data, lo::data::augmentation{.normalize = normalize});
  });
  std::printf(
      "CIFAR-10, %zu training pictures, %zu epochs (400 in the paper), seed %llu\n\n%-30s  paper %%  here %%"
      "  seconds\n",
      train.size(), chosen.epochs, static_cast<unsigned long long>(chosen.seed), "test error of");
  const auto tell = [](const char* name, const char* paper, std::pair<double, double> found) {
    std::printf("%-30s  %7s  %6.2f  %7.1f\n", name, paper, 100 * found.first, found.second);
    std::fflush(stdout);
  };
  using examples::local_losses::by_adam;
  using examples::local_losses::rate;
  tell("gradient descent", "5.99", train_and_test<rule::oja>(false, 0, train, test, chosen));
  tell("random first stages", "-", train_and_test<rule::oja>(true, 0, train, test, chosen));
  tell("local_error (pred)", "8.40", train_and_test<by_adam<rule::local_error>>(true, rate, train, test, chosen));
  tell("similarity_error (sim)", "7.16",
       train_and_test<by_adam<rule::similarity_error>>(true, rate, train, test, chosen));
  tell("predsim", "5.58", train_and_test<by_adam<rule::predsim<2>>>(true, rate, train, test, chosen));
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::reproduce::local_losses(argc, argv, reproduce); }
