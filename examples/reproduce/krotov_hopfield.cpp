// Reproduces the test error of Krotov and Hopfield's competing hidden units: 2,000 units learn from pictures without
// labels and without a backward pass; then a read-out of them learns by gradient. The baselines are the same network
// with its random weights, and a network of the same size that learns by gradient from end to end. krotov_hopfield.hpp
// has the network and says what differs from the paper.

#include "krotov_hopfield.hpp"

#include <cstddef>
#include <cstdio>
#include <span>
#include <utility>
#include <vector>

#include "../digits.hpp"
#include "../unit_pictures.hpp"
#include "options.hpp"

#include <localis/data/gzip.hpp>

namespace lo = localis;
using lo::data::any;

namespace {

using examples::reproduce::krotov_hopfield_options;

/// Learns by gradient from the boundary on, at a rate that falls to 0; returns the seconds.
template <class Loss, class Model, class Data>
double descend(Model& model, std::size_t boundary, const Data& pictures, double rate,
               const krotov_hopfield_options& chosen) {
  lo::trainer trainer(
      model, lo::scheduler::fixed{boundary}, lo::supervision::none{},
      {.epochs = chosen.epochs, .batch = examples::krotov_hopfield::batch, .local_rate = 0, .seed = chosen.seed},
      lo::optimizer::adam{}, lo::learning_rate::cosine{.rate = rate}, Loss{});
  return trainer.fit(pictures).seconds;
}

/// The hidden units learn by their rule, unless they keep their random weights; then the read-out learns.
template <class Data>
std::pair<double, double> error_and_seconds(bool learns, const Data& train, const Data& test,
                                            const krotov_hopfield_options& chosen,
                                            const lo::cpu::backend<float>& backend) {
  namespace krotov_hopfield = examples::krotov_hopfield;
  lo::model<krotov_hopfield::network> model{{.seed = chosen.seed}, backend};
  auto& hidden = model.layer<0>();
  hidden.rule() = {.rank = chosen.rank, .delta = chosen.delta, .power = chosen.norm};
  const std::span<float> weight = hidden.weight();
  const lo::random_stream random(chosen.seed, 0);
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(random.normal(i));
  double seconds = 0;
  if (learns) {
    lo::trainer trainer(model, lo::scheduler::fixed{1}, lo::supervision::none{},
                        {.batch = krotov_hopfield::batch, .local_rate = chosen.local_rate, .seed = chosen.seed});
    const auto falling = [](double done) { return 1 - done; };
    seconds = trainer.learn_locally(train, {.epochs = chosen.local_epochs, .gain = falling}).seconds;
  }
  seconds += descend<krotov_hopfield::distance_power>(model, 1, train, chosen.learning_rate, chosen);
  return {1 - lo::evaluate(model, test).accuracy, seconds};
}

int compare(const krotov_hopfield_options& chosen, const any& all, const any& test_pictures) {
  const lo::cpu::backend<float> backend{{.threads = chosen.threads}};
  const lo::data::subset pictures(all, 0, chosen.pictures == 0 ? all.size() : chosen.pictures);
  const std::vector<double> zero(lo::data::shape_of(all).size());
  const any train(examples::unit_pictures(pictures, zero));
  const any test(examples::unit_pictures(test_pictures, zero));
  std::printf("%s: %zu training pictures, seed %llu\n\n%-36s  paper (MNIST) %%  here %%  seconds\n",
              chosen.quick ? "embedded digits" : chosen.data.c_str(), pictures.size(),
              static_cast<unsigned long long>(chosen.seed), "test error of");
  const auto tell = [](const char* name, const char* paper, std::pair<double, double> found) {
    std::printf("%-36s  %15s  %6.2f  %7.1f\n", name, paper, 100 * found.first, found.second);
    std::fflush(stdout);
  };
  tell("krotov_hopfield and a read-out", "1.46", error_and_seconds(true, train, test, chosen, backend));
  tell("random features and the read-out", "-", error_and_seconds(false, train, test, chosen, backend));
  lo::model<examples::krotov_hopfield::plain_network> plain{{.seed = chosen.seed}, backend};
  const double seconds = descend<lo::loss::softmax_cross_entropy>(plain, 0, pictures, 1e-3, chosen);
  tell("gradient descent from end to end", "1.5", {1 - lo::evaluate(plain, test_pictures).accuracy, seconds});
  return 0;
}

int reproduce(const krotov_hopfield_options& chosen) {
  if (chosen.quick) {
    const lo::data::images digits = examples::digits();
    const auto parts = lo::data::split(digits, lo::data::validation_count{397}, 1);
    return compare(chosen, any(parts.train), any(parts.validation));
  }
  lo::data::image_set pictures = lo::data::fashion_mnist(chosen.data);
  return compare(chosen, any(std::move(pictures.train)), any(std::move(pictures.test)));
}

}  // namespace

int main(int argc, char** argv) { return examples::reproduce::krotov_hopfield(argc, argv, reproduce); }
