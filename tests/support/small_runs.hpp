#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "same_extents.hpp"

#include <localis/backend/reference/backend.hpp>
#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>
#include <localis/rule/hebb.hpp>
#include <localis/rule/oja.hpp>

/// Networks and data small enough to train a model in every test.
namespace localis_test::small_runs {

// Three stages, on pictures of three classes.
using net = localis::network<localis::image<8, 8, 1>, localis::conv2d<4, 3, localis::padding<1>, localis::rule::oja>,
                             localis::batch_norm, localis::relu, localis::max_pool2d<2>,
                             localis::dense<8, localis::rule::oja>, localis::relu, localis::dropout, localis::dense<3>>;
using model = localis::model<net, localis::reference::backend<double>>;
static_assert(net::stages == 3);

inline localis::data::images pictures(std::size_t count, std::size_t first = 0) {
  return localis::data::synthetic_images(count, 8, 8, 1, 3, 11, 0.2, first);
}

/// The trainable parameters of all stages, or of one.
template <class Model>
std::vector<double> parameters(const Model& m, std::size_t stage = Model::stages) {
  std::vector<double> all;
  m.for_each_parameter([&](const localis::operation& op, const auto& p) {
    if (p.trainable() && (stage == Model::stages || op.stage == stage))
      all.insert(all.end(), p.value, p.value + p.size());
  });
  return all;
}

// Two stages, on rows of four features.
using tiny = localis::network<localis::vector_input<4>, localis::dense<4>, localis::relu, localis::dense<3>>;
using hebbian = localis::network<localis::vector_input<4>, localis::dense<4, localis::rule::hebb>, localis::relu,
                                 localis::dense<3>>;
template <class Network>
using single = localis::model<Network, localis::reference::backend<float>>;

/// 12 samples of 4 features.
inline std::vector<float> features() {
  const localis::random_stream stream(3, 3);
  std::vector<float> result(48);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<float>(stream.normal(i));
  return result;
}
inline const std::vector<std::uint32_t> classes{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
inline constexpr localis::shape four{1, 1, 4};

/// Features and nothing else.
struct bare {
  [[nodiscard]] std::size_t size() const { return 12; }
  [[nodiscard]] std::size_t height() const { return 1; }
  [[nodiscard]] std::size_t width() const { return 1; }
  [[nodiscard]] std::size_t channels() const { return 4; }
  [[nodiscard]] std::size_t classes() const { return 0; }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    std::fill(features.begin(), features.end(), static_cast<float>(index));
    return 0;
  }
};

/// Samples that training sees turned to 0, and an evaluation as they are.
struct darkened : same_extents<const localis::data::arrays&> {
  std::uint32_t read(std::size_t index, std::span<float> features) const { return real.read(index, features); }
  std::uint32_t read(std::size_t index, std::size_t, std::span<float> features) const {
    const std::uint32_t label = real.read(index, features);
    std::fill(features.begin(), features.end(), 0.0F);
    return label;
  }
};

}  // namespace localis_test::small_runs
