#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "backend.hpp"
#include "support/same_extents.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/linear.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/per_stage.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using localis_test::gpu;
using localis_test::small;
using localis_test::small_graphs;

namespace {

using net = lo::network<lo::image<6, 6, 2>,
                        lo::conv2d<5, 3, lo::padding<1>, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>,
                        lo::batch_norm, lo::tanh, lo::max_pool2d<2>,
                        lo::dense<8, lo::rule::local<lo::rule::hebb, lo::rule::relative_step>>, lo::tanh, lo::dense<3>>;

struct run {
  lo::report report;
  std::vector<double> weights;
  std::vector<double> losses;  ///< as the callbacks told
};

/// Five steps in each of four epochs; the boundary moves from 0 to 2.
template <class Supervision, class Backend>
run train(const Supervision& supervision, const Backend& backend) {
  using scalar = typename Backend::scalar;
  lo::model<net, Backend> model{{.seed = 5}, backend};
  const lo::random_stream random(3);
  std::vector<float> x(37 * net::input.size());
  std::vector<std::uint32_t> labels(37);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random.normal(i));
  for (std::size_t n = 0; n < labels.size(); ++n) labels[n] = static_cast<std::uint32_t>(n % 3);
  for (std::size_t n = 0; n < labels.size(); n += 5) labels[n] = lo::data::unlabelled;
  const lo::data::arrays data({6, 6, 2}, x, labels, 3);
  lo::trainer trainer{model, lo::scheduler::linear{}, supervision, {.epochs = 4, .batch = 8, .local_rate = 0.01}};
  run result;
  trainer.on_step([&](const lo::step_event& event) { result.losses.push_back(event.loss); });
  result.report = trainer.fit(data, data);
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<scalar>& p) {
    std::vector<scalar> host(p.size());
    backend.download(static_cast<const scalar*>(p.value), std::span<scalar>(host));
    result.weights.insert(result.weights.end(), host.begin(), host.end());
  });
  return result;
}

void agree(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-10));
  }
}

template <class Supervision>
void check(const Supervision& supervision) {
  const run expected = train(supervision, lo::reference::backend<double>());
  CHECK(expected.report.epochs.back().boundary > 0);
  const auto trains_alike = [&](const lo::cuda::options& options) {
    const run found = train(supervision, gpu<double>(options));
    agree(found.weights, expected.weights);
    agree(found.losses, expected.losses);
    REQUIRE(found.report.epochs.size() == expected.report.epochs.size());
    for (std::size_t e = 0; e < found.report.epochs.size(); ++e) {
      const lo::epoch_record& a = found.report.epochs[e];
      const lo::epoch_record& b = expected.report.epochs[e];
      agree({a.loss, a.accuracy, a.gain, a.validation_loss, a.validation_accuracy},
            {b.loss, b.accuracy, b.gain, b.validation_loss, b.validation_accuracy});
      CHECK(a.boundary == b.boundary);
      CHECK(a.steps == b.steps);
    }
  };
  localis_test::on_device([&] { trains_alike(small); });
  localis_test::on_device([&] {
    trains_alike(small_graphs);
#if !defined(__CUDACC__)
    // 20 steps at three boundaries with batches of two sizes: 6 are the first of their kind, and 4 the second.
    CHECK(standin::seen().graphs == 14);
    CHECK(standin::seen().updates == 10);
#endif
  });
}

}  // namespace

TEST_CASE("cuda: training with a moving boundary is that of the reference") {
  check(lo::supervision::none{});
  check(lo::supervision::loss_gain{});
  check(lo::supervision::per_stage<>{{}, {2.0, 0.5}});
}

TEST_CASE("cuda: the step that a run went wrong in is named, however many steps were under way") {
  std::vector<float> x(40 * net::input.size(), 0.5F);
  x[9 * net::input.size()] = std::nanf("");
  const std::vector<std::uint32_t> labels(40, 1);
  const lo::data::arrays data({6, 6, 2}, x, labels, 3);
  const auto said_by = [&](const auto& backend) {
    lo::model<net, std::decay_t<decltype(backend)>> model{{.seed = 5}, backend};
    lo::trainer trainer{model, lo::scheduler::linear{}, lo::supervision::none{}, {.epochs = 2, .batch = 4}};
    std::string said = "nothing";
    try {
      (void)trainer.fit(data);
    } catch (const lo::data_error& failure) {
      said = failure.what();
    }
    CHECK(trainer.report().end == lo::ending::diverged);
    return said;
  };
  const std::string expected = said_by(lo::reference::backend<double>());
  CHECK(expected.find("sample 9 of the training data") != std::string::npos);
  CHECK(expected.find("(epoch 0, step ") != std::string::npos);
  localis_test::on_device([&] { CHECK(said_by(gpu<double>(small)) == expected); });
}

namespace {

/// Hides that a data set gives bytes.
template <class Data>
struct features_of : localis_test::same_extents<const Data&> {
  std::uint32_t read(std::size_t index, std::span<float> features) const { return this->real.read(index, features); }
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    return this->real.read(index, epoch, features);
  }
};

struct pixel_run {
  std::vector<float> weights;
  std::vector<double> numbers;
  std::size_t arena = 0;
};

constexpr std::size_t pixel_samples = 86;
constexpr std::size_t pixel_batches = 6;  // five of 16, and one of 6
constexpr std::size_t pixel_epochs = 3;

/// @param look  called with the trainer before it starts
template <class Train, class Validation, class Look>
pixel_run train_pixels(const lo::cuda::options& options, const Train& train, const Validation& validation,
                       const Look& look) {
  using model_type = lo::model<net, gpu<float>>;
  model_type model{{.seed = 5}, gpu<float>(options)};
  lo::trainer trainer{model,
                      lo::scheduler::linear{},
                      lo::supervision::loss_gain{},
                      {.epochs = pixel_epochs, .batch = 16, .local_rate = 0.01}};
  pixel_run result;
  trainer.on_step([&](const lo::step_event& event) { result.numbers.push_back(event.loss); });
  look(trainer);
  for (const lo::epoch_record& epoch : trainer.fit(train, validation).epochs) {
    result.numbers.insert(result.numbers.end(), {epoch.accuracy, epoch.validation_loss, epoch.validation_accuracy});
  }
  result.arena = trainer.report().memory.arena;
  model.for_each_parameter([&](const lo::operation&, const lo::parameter<float>& p) {
    std::vector<float> host(p.size());
    model.backend().download(static_cast<const float*>(p.value), std::span<float>(host));
    result.weights.insert(result.weights.end(), host.begin(), host.end());
  });
  return result;
}

}  // namespace

TEST_CASE("cuda: a run to which bytes are sent is that to which features are sent, bit by bit") {
  const lo::data::images pictures = lo::data::synthetic_images(pixel_samples, 6, 6, 2, 3, 1);
  const lo::data::augmentation how{.padding = 1, .flip = true, .normalize = {{0.4, 0.5}, {0.3, 0.2}}};
  const lo::data::augmented bytes(pictures, how);
  const features_of<lo::data::augmented<lo::data::images>> floats{{bytes}};
  const auto plainly = [](auto&) {};
  pixel_run expected;
  std::size_t uploaded = 0;
  const auto seen = [] {
#if defined(__CUDACC__)
    return std::size_t{0};
#else
    return standin::seen().uploaded;
#endif
  };
  localis_test::on_device([&] {
    expected = train_pixels(small, floats, floats, plainly);
    uploaded = seen();
  });
  CHECK(expected.numbers.size() == pixel_epochs * (pixel_batches + 3));
  const auto check = [&](const lo::cuda::options& options, const auto& train, const auto& validation,
                         const auto& look) {
    const pixel_run found = train_pixels(options, train, validation, look);
    CHECK(found.weights == expected.weights);
    CHECK(found.numbers == expected.numbers);
    return found;
  };
  localis_test::on_device([&] {
    const pixel_run found = check(small, bytes, bytes, plainly);
    // One array of floats, two of bytes and a table in place of two arrays of floats.
    constexpr std::size_t values = 16 * net::input.size();
    constexpr std::size_t table = 256 * 2 * sizeof(float);
    CHECK(expected.arena - found.arena == 4 * values - 2 * values - table);
#if !defined(__CUDACC__)
    // Training and validation: a quarter of the bytes, and the table in each batch.
    CHECK(uploaded - seen() == 2 * pixel_epochs * (3 * pixel_samples * net::input.size() - pixel_batches * table));
#endif
  });
  localis_test::on_device([&] { check(small_graphs, bytes, bytes, plainly); });
  // Only one of the two data sets gives bytes.
  localis_test::on_device([&] { check(small_graphs, bytes, floats, plainly); });
  localis_test::on_device([&] { check(small, floats, bytes, plainly); });

  // A modulator sees features, even one that comes in the middle of an epoch or goes.
  std::size_t looked = 0;
  const auto modulate = [&](auto& trainer) {
    trainer.modulate([&](const lo::data::batch_view<float>& batch, std::span<double>) {
      CHECK(batch.features.size() == batch.size * net::input.size());
      ++looked;
    });
  };
  localis_test::on_device_at_once([&] { check(small, bytes, bytes, modulate); }, std::size_t{16} << 20);
  CHECK(looked == pixel_batches * pixel_epochs);
  localis_test::on_device([&] {
    looked = 0;
    std::size_t pauses = 0;  // in each epoch after the third step and at the end
    check(small_graphs, bytes, bytes, [&](auto& trainer) {
      trainer.on_pause(3, [&] {
        ++pauses;
        if (pauses == 3) modulate(trainer);
        if (pauses == 5) trainer.modulate({});
      });
    });
    CHECK(pauses == 2 * pixel_epochs);
    CHECK(looked == pixel_batches);
  });
}

TEST_CASE("cuda: evaluation sends bytes where memory is prepared for them, or not at all") {
  const lo::data::images pictures = lo::data::synthetic_images(40, 6, 6, 2, 3, 1);
  localis_test::on_device([&] {
    using model_type = lo::model<net, gpu<float>>;
    model_type fresh{{.seed = 5}, gpu<float>(small)};
    model_type prepared{{.seed = 5}, gpu<float>(small)};
    prepared.prepare({.batch = 16});
    CHECK(lo::evaluate(fresh, pictures).loss == doctest::Approx(lo::evaluate(prepared, pictures).loss));
    CHECK(lo::predict(fresh, pictures) == lo::predict(prepared, pictures));
    CHECK(fresh.memory().pixels);
    CHECK_FALSE(prepared.memory().pixels);
  });
}
