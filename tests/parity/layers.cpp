// Single layers on the inputs, gradients and parameters that a file holds, and their outputs and gradients written to
// another, in the layout of PyTorch, with which layers.py compares them.

#include <cstddef>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/alone.hpp"

#include <localis/backend/cpu/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/torch_layout.hpp>
#include <localis/io/write_safetensors.hpp>
#include <localis/layer/conv1d.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/depthwise_conv2d.hpp>
#include <localis/layer/elu.hpp>
#include <localis/layer/gelu.hpp>
#include <localis/layer/group_norm.hpp>
#include <localis/layer/hard_swish.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/pool1d.hpp>
#include <localis/layer/sigmoid.hpp>
#include <localis/layer/silu.hpp>
#include <localis/layer/softplus.hpp>

namespace {

namespace lo = localis;
using backend = lo::cpu::backend<double>;
using numbers = std::vector<double>;

/// A tensor of PyTorch, samples x channels x height x width or, of signals, samples x channels x length.
struct tensor {
  std::vector<std::size_t> extents;
  numbers values;

  [[nodiscard]] lo::shape sample() const { return {extents.size() == 4 ? extents[2] : 1, extents.back(), extents[1]}; }
};

/// Turns samples from channels first to channels last, or back.
numbers turned(const numbers& x, const lo::shape& sample, bool to_last) {
  numbers result(x.size());
  for (std::size_t n = 0; n < x.size() / sample.size(); ++n) {
    for (std::size_t c = 0; c < sample.channels; ++c) {
      for (std::size_t p = 0; p < sample.positions(); ++p) {
        const std::size_t first = n * sample.size() + c * sample.positions() + p;
        const std::size_t last = n * sample.size() + p * sample.channels + c;
        result[to_last ? last : first] = x[to_last ? first : last];
      }
    }
  }
  return result;
}

class comparison {
 public:
  explicit comparison(const char* path) : file_(path) {}

  /// Runs a layer on the tensors NAME.x, NAME.dy and NAME.PARAMETER, and keeps its output, the gradient of its input
  /// and those of its parameters as NAME.y, NAME.dx and NAME.PARAMETER.
  template <class Layer>
  void run(const std::string& name) {
    const tensor x = read(name + ".x");
    const tensor dy = read(name + ".dy");
    const lo::shape in = x.sample();
    const lo::operation op = Layer::describe(in);
    localis_test::alone<Layer, backend> one(in, x.extents[0]);
    std::vector<lo::io::torch_tensor> layouts;
    for (const auto& p : one.layer.parameters()) {
      if (p.size() == 0) continue;
      layouts.push_back(lo::io::torch_layout(op, p, in));
      numbers values(p.size());
      file_.read(name + "." + layouts.back().name, layouts.back().shape, values);
      for (std::size_t i = 0; i < p.size(); ++i) p.value[place(layouts.back(), i)] = values[i];
    }
    using place_type = typename localis_test::alone<Layer, backend>::place;
    const auto found = one.run(turned(x.values, in, true), turned(dy.values, dy.sample(), true), place_type::own);
    keep(name + ".y", dy.extents, turned(found[0], dy.sample(), false));
    keep(name + ".dx", x.extents, turned(found[1], in, false));
    for (std::size_t k = 0; k < layouts.size(); ++k) {
      numbers values(found[k + 2].size());
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = found[k + 2][place(layouts[k], i)];
      keep(name + "." + layouts[k].name, layouts[k].shape, std::move(values));
    }
  }
  void write(const char* path) const {
    std::vector<lo::io::named_tensor> tensors;
    tensors.reserve(found_.size());
    for (const auto& [name, t] : found_) tensors.push_back({name, t.extents, std::span<const double>(t.values)});
    lo::io::write_safetensors(path, tensors);
  }

 private:
  static std::size_t place(const lo::io::torch_tensor& t, std::size_t i) { return t.places.empty() ? i : t.places[i]; }
  tensor read(const std::string& name) {
    tensor result{file_.info(name).shape, numbers(file_.info(name).size())};
    file_.read(name, result.values);
    return result;
  }
  void keep(const std::string& name, std::vector<std::size_t> extents, numbers values) {
    found_.emplace_back(name, tensor{std::move(extents), std::move(values)});
  }

  lo::io::safetensors file_;
  std::vector<std::pair<std::string, tensor>> found_;
};

void run_all(comparison& all) {
  using lo::dilation;
  using lo::kernel_size;
  using lo::padding;
  using lo::stride;
  all.run<lo::gelu>("gelu");
  all.run<lo::silu>("silu");
  all.run<lo::elu>("elu");
  all.run<lo::softplus>("softplus");
  all.run<lo::hard_swish>("hard_swish");
  all.run<lo::sigmoid>("sigmoid");
  all.run<lo::group_norm<1>>("group_norm_1");
  all.run<lo::group_norm<3>>("group_norm_3");
  all.run<lo::group_norm<6>>("group_norm_6");
  all.run<lo::conv2d<4, kernel_size<1, 5>, padding<0, 2>>>("conv2d_row");
  all.run<lo::conv2d<4, kernel_size<3, 2>, stride<2, 1>, padding<1, 0>, dilation<1, 2>>>("conv2d_mixed");
  all.run<lo::conv2d<6, kernel_size<2, 3>, stride<1, 2>, lo::groups<3>, lo::no_bias>>("conv2d_groups");
  all.run<lo::depthwise_conv2d<kernel_size<3, 1>, stride<2, 1>, padding<1, 0>>>("depthwise");
  all.run<lo::max_pool2d<kernel_size<3, 2>, stride<1, 2>, padding<1, 0>>>("max_pool2d");
  all.run<lo::average_pool2d<kernel_size<1, 4>, stride<2, 1>, padding<0, 2>>>("average_pool2d");
  all.run<lo::conv1d<5, 3, stride<2>, padding<1>>>("conv1d");
  all.run<lo::conv1d<6, 2, dilation<3>, lo::groups<2>>>("conv1d_groups");
  all.run<lo::max_pool1d<3, stride<2>, padding<1>>>("max_pool1d");
  all.run<lo::average_pool1d<3, stride<1>, padding<1>>>("average_pool1d");
}

}  // namespace

/// PROGRAM INPUTS RESULTS
int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "expected: INPUTS RESULTS\n";
    return 2;
  }
  try {
    comparison all(arguments[1]);
    run_all(all);
    all.write(arguments[2]);
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
  return 0;
}
