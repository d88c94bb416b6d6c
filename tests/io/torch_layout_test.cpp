#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/error.hpp>
#include <localis/io/torch_layout.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv1d.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>
#include <localis/zoo/densenet.hpp>
#include <localis/zoo/efficientnet.hpp>
#include <localis/zoo/googlenet.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/mobilenet_v2.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/squeezenet.hpp>

namespace lo = localis;
namespace io = lo::io;
using io::torch_names;

namespace {

/// The modules of all operations that have parameters, in order.
template <class Network>
std::vector<std::string> modules(torch_names names) {
  const auto all = io::module_names(Network::program.operations, names);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (Network::program.operations[i].parameters > 0) result.push_back(all[i]);
  }
  return result;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::count(names.begin(), names.end(), name) == 1;
}

}  // namespace

// The names are those of torchvision's state_dict().
TEST_CASE("torch_layout: features up to the last pooling, then the classifier") {
  CHECK(modules<lo::zoo::lenet<>>(torch_names::features) ==
        std::vector<std::string>{"features.0", "features.3", "classifier.0", "classifier.2", "classifier.4"});
}

TEST_CASE("torch_layout: ResNet's groups, blocks and projections") {
  const auto names = modules<lo::zoo::resnet18<>>(torch_names::resnet);
  CHECK(names.size() == 41);  // 20 convolutions, each with its normalization, and fc
  CHECK(names[0] == "conv1");
  CHECK(names[1] == "bn1");
  CHECK(names.back() == "fc");
  for (const char* name : {"layer1.0.conv1", "layer1.0.bn2", "layer1.1.conv2", "layer2.0.downsample.0",
                           "layer2.0.downsample.1", "layer2.1.conv1", "layer4.1.bn2"}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
  CHECK(!has(names, "layer1.0.downsample.0"));
  const auto deep = modules<lo::zoo::resnet50<>>(torch_names::resnet);
  CHECK(has(deep, "layer1.0.downsample.0"));
  CHECK(has(deep, "layer3.5.conv3"));
}

TEST_CASE("torch_layout: MobileNetV2's features and their blocks") {
  const auto names = modules<lo::zoo::mobilenet_v2<>>(torch_names::mobilenet_v2);
  CHECK(names.front() == "features.0.0");
  CHECK(names.back() == "classifier.1");
  for (const char* name :
       {"features.0.1", "features.1.conv.0.0", "features.1.conv.1", "features.1.conv.2", "features.2.conv.1.0",
        "features.2.conv.2", "features.2.conv.3", "features.17.conv.3", "features.18.0", "features.18.1"}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
}

TEST_CASE("torch_layout: EfficientNet's groups of blocks and their squeeze-excites") {
  const auto names = modules<lo::zoo::efficientnet_b0<>>(torch_names::efficientnet);
  CHECK(names.size() == 131);  // 49 convolutions, each with its normalization, 32 of squeeze-excites and the classifier
  CHECK(names.front() == "features.0.0");
  CHECK(names.back() == "classifier.1");
  for (const char* name :
       {"features.0.1", "features.1.0.block.0.0", "features.1.0.block.1.fc1", "features.1.0.block.2.1",
        "features.2.0.block.0.0", "features.2.0.block.2.fc2", "features.2.1.block.3.1", "features.6.3.block.1.0",
        "features.7.0.block.3.0", "features.8.0", "features.8.1"}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
}

TEST_CASE("torch_layout: GoogLeNet's inception modules and their branches") {
  const auto names = modules<lo::zoo::googlenet<>>(torch_names::googlenet);
  CHECK(names.size() == 115);  // 57 convolutions, each with its normalization, and fc
  CHECK(names[0] == "conv1.conv");
  CHECK(names[1] == "conv1.bn");
  CHECK(names.back() == "fc");
  for (const char* name :
       {"conv3.bn", "inception3a.branch1.conv", "inception3a.branch2.0.bn", "inception3b.branch2.1.conv",
        "inception4a.branch3.1.bn", "inception4e.branch4.1.conv", "inception5b.branch4.1.bn"}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
}

TEST_CASE("torch_layout: DenseNet's blocks, layers and transitions") {
  const auto names = modules<lo::zoo::densenet121<>>(torch_names::densenet);
  CHECK(names.size() == 242);  // 120 convolutions, 121 normalizations and the classifier
  CHECK(names[0] == "features.conv0");
  CHECK(names[1] == "features.norm0");
  CHECK(names.back() == "classifier");
  for (const char* name :
       {"features.denseblock1.denselayer1.norm1", "features.denseblock1.denselayer6.conv2", "features.transition1.norm",
        "features.transition1.conv", "features.denseblock2.denselayer1.norm2", "features.transition3.conv",
        "features.denseblock4.denselayer16.conv2", "features.norm5"}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
}

TEST_CASE("torch_layout: SqueezeNet's fire modules") {
  const auto names = modules<lo::zoo::squeezenet<>>(torch_names::squeezenet);
  CHECK(names.size() == 26);
  CHECK(names.front() == "features.0");
  CHECK(names.back() == "classifier.1");
  for (const char* name : {"features.3.squeeze", "features.3.expand1x1", "features.3.expand3x3", "features.4.squeeze",
                           "features.6.squeeze", "features.12.expand3x3"}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
}

TEST_CASE("torch_layout: places in an nn.Sequential, with an nn.Flatten in front of a dense layer that sees a map") {
  // Conv2d, Tanh, AvgPool2d, Conv2d, Tanh, AvgPool2d, Flatten, Linear, Tanh, Linear, Tanh, Linear
  CHECK(modules<lo::zoo::lenet<>>(torch_names::sequential) == std::vector<std::string>{"0", "3", "7", "9", "11"});
  using of_a_vector = lo::network<lo::vector_input<8>, lo::dense<4>, lo::batch_norm, lo::relu, lo::dense<2>>;
  CHECK(modules<of_a_vector>(torch_names::sequential) == std::vector<std::string>{"0", "1", "3"});
  using of_a_picture = lo::network<lo::image<4, 4, 1>, lo::relu, lo::dense<4>, lo::dense<2>>;
  CHECK(modules<of_a_picture>(torch_names::sequential) == std::vector<std::string>{"2", "3"});
  using of_one_position =  // the mean of a map is a map of 1 x 1 pixels
      lo::network<lo::image<4, 4, 1>, lo::conv2d<3, 3>, lo::global_average_pool, lo::dense<2>>;
  CHECK(modules<of_one_position>(torch_names::sequential) == std::vector<std::string>{"0", "3"});
  using of_one_pixel = lo::network<lo::vector_input<8>, lo::conv2d<3, 1>, lo::dense<2>>;
  CHECK(modules<of_one_pixel>(torch_names::sequential) == std::vector<std::string>{"0", "2"});
  CHECK_THROWS_WITH_AS((void)modules<lo::zoo::resnet20<>>(torch_names::sequential),
                       "module_names: names of an nn.Sequential: expected a network without blocks, found one at "
                       "operation 3; another scheme, or a tensor_renamer, names its tensors",
                       lo::config_error);
}

TEST_CASE("torch_layout: of a window PyTorch has the channels first") {
  const lo::operation op = lo::conv2d<2, 2>::describe({4, 4, 3});
  const lo::parameter<float> weight{"weight", 2, 12, nullptr, lo::parameter_role::trainable};
  const io::torch_tensor found = io::torch_layout(op, weight, op.in);
  CHECK(found.name == "weight");
  CHECK(found.shape == std::vector<std::size_t>{2, 3, 2, 2});
  REQUIRE(found.places.size() == 24);
  for (std::size_t i = 0; i < 24; ++i) {
    const std::size_t unit = i / 12;
    const std::size_t channel = i / 4 % 3;
    const std::size_t cell = i % 4;
    CHECK(found.places[i] == unit * 12 + cell * 3 + channel);
  }
}

TEST_CASE("torch_layout: a rectangular window has its own extents, and one of a signal is a length") {
  const lo::parameter<float> weight{"weight", 2, 15, nullptr, lo::parameter_role::trainable};
  const lo::operation row = lo::conv2d<2, lo::kernel_size<1, 5>>::describe({1, 9, 3});
  const lo::operation signal = lo::conv1d<2, 5>::describe({1, 9, 3});
  CHECK(io::torch_layout(row, weight, row.in).shape == std::vector<std::size_t>{2, 3, 1, 5});
  CHECK(io::torch_layout(signal, weight, signal.in).shape == std::vector<std::size_t>{2, 3, 5});
  CHECK(io::torch_layout(signal, weight, signal.in).places == io::torch_layout(row, weight, row.in).places);
}

TEST_CASE("torch_layout: a dense layer sees a flattened map channels first, a vector as it is") {
  const lo::operation op = lo::dense<2>::describe({2, 1, 3});
  const lo::parameter<float> weight{"weight", 2, 6, nullptr, lo::parameter_role::trainable};
  const io::torch_tensor map = io::torch_layout(op, weight, {2, 1, 3});
  CHECK(map.shape == std::vector<std::size_t>{2, 6});
  CHECK(map.places == std::vector<std::size_t>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11});
  CHECK(io::torch_layout(op, weight, {1, 1, 6}).places.empty());
}

TEST_CASE("torch_layout: arrays by channel have PyTorch's names and their own order") {
  lo::operation op;
  op.kind = lo::operation_kind::normalization;
  const auto name = [&](const char* ours) {
    const lo::parameter<float> p{ours, 1, 5, nullptr, lo::parameter_role::trainable};
    const io::torch_tensor found = io::torch_layout(op, p, {});
    CHECK(found.shape == std::vector<std::size_t>{5});
    CHECK(found.places.empty());
    return found.name;
  };
  CHECK(name("gamma") == "weight");
  CHECK(name("beta") == "bias");
  CHECK(name("running_mean") == "running_mean");
  CHECK(name("running_variance") == "running_var");
}
