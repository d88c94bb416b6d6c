#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>
#include <localis/io/state_dict.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/pool.hpp>
#include <localis/model/model.hpp>
#include <localis/network/program.hpp>

namespace lo = localis;
namespace io = lo::io;

namespace {

using net = lo::network<lo::image<4, 4, 2>, lo::conv2d<3, 3>, lo::batch_norm, lo::average_pool2d<2>, lo::dense<2>>;
using model = lo::model<net, lo::reference::backend<double>>;

std::vector<double> values(const model& m) {
  std::vector<double> all;
  m.for_each_parameter(
      [&](const lo::operation&, const auto& p) { all.insert(all.end(), p.value, p.value + p.size()); });
  return all;
}

std::string refusal(model& m, const std::filesystem::path& path) {
  try {
    io::load_state_dict(m, path, io::torch_names::features);
  } catch (const lo::error& e) {
    return e.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("state_dict: what is saved is loaded, and its tensors are PyTorch's") {
  const temporary_folder folder;
  const auto path = folder.path / "weights";
  model stored({.seed = 1});
  const auto gamma = stored.layer<1>().parameters()[0];
  gamma.value[1] = 5;
  io::save_state_dict(stored, path, io::torch_names::features);
  model other({.seed = 2});
  REQUIRE(values(other) != values(stored));
  io::load_state_dict(other, path, io::torch_names::features);
  CHECK(values(other) == values(stored));

  io::safetensors file(path);
  CHECK(file.names() == std::vector<std::string>{"classifier.0.bias", "classifier.0.weight", "features.0.bias",
                                                 "features.0.weight", "features.1.bias",
                                                 "features.1.num_batches_tracked", "features.1.running_mean",
                                                 "features.1.running_var", "features.1.weight"});
  CHECK(file.info("features.0.weight").shape == std::vector<std::size_t>{3, 2, 3, 3});
  // Unit 1, channel 1, cell (2, 0): channels first there, last here.
  std::vector<double> theirs(54);
  file.read("features.0.weight", theirs);
  CHECK(theirs[18 + 9 + 6] == stored.layer<0>().parameters()[0].value[18 + 6 * 2 + 1]);
}

TEST_CASE("state_dict: a function of the user's gives every tensor its name") {
  const temporary_folder folder;
  const auto path = folder.path / "weights";
  std::vector<std::string> seen;
  const auto rename = [&](const lo::operation& op, std::string_view parameter, const std::string& name) {
    seen.push_back(lo::text(op.name, ' ', parameter, ' ', name));
    return std::string_view(op.name) == "dense" ? "head." + std::string(parameter) : "body." + name;
  };
  const model stored({.seed = 1});
  io::save_state_dict(stored, path, io::torch_names::sequential, rename);
  CHECK(seen == std::vector<std::string>{"conv2d weight 0.weight", "conv2d bias 0.bias", "batch_norm gamma 1.weight",
                                         "batch_norm beta 1.bias", "batch_norm running_mean 1.running_mean",
                                         "batch_norm running_variance 1.running_var",
                                         "batch_norm num_batches_tracked 1.num_batches_tracked",
                                         "dense weight 4.weight", "dense bias 4.bias"});
  CHECK(io::safetensors(path).names() == std::vector<std::string>{"body.0.bias", "body.0.weight", "body.1.bias",
                                                                  "body.1.num_batches_tracked", "body.1.running_mean",
                                                                  "body.1.running_var", "body.1.weight", "head.bias",
                                                                  "head.weight"});
  model other({.seed = 2});
  io::load_state_dict(other, path, io::torch_names::sequential, rename);
  CHECK(values(other) == values(stored));
  CHECK_THROWS_WITH_AS(io::load_state_dict(other, path, io::torch_names::sequential),
                       doctest::Contains("missing: 0.bias, 0.weight, 1.bias, 1.running_mean, 1.running_var, 1.weight, "
                                         "4.bias, 4.weight; not expected: body.0.bias"),
                       lo::data_error);
  CHECK_THROWS_WITH_AS(
      io::save_state_dict(stored, path, io::torch_names::sequential,
                          [](const lo::operation&, std::string_view, const std::string&) { return "x"; }),
      doctest::Contains("expected each once, and not __metadata__, found \"x\""), lo::config_error);
}

TEST_CASE("state_dict: a tensor too few, too many or of another shape leaves the model as it was") {
  const temporary_folder folder;
  const auto path = folder.path / "weights";
  model m({.seed = 1});
  const std::vector<double> before = values(m);
  const std::vector<double> two(2, 0.5);
  const std::vector<double> three(3, 0.5);
  const std::vector<double> weights(54, 0.5);
  const std::vector<double> last(6, 0.5);
  std::vector<io::named_tensor> tensors{{"features.0.weight", {3, 2, 3, 3}, weights},
                                        {"features.0.bias", {3}, three},
                                        {"features.1.weight", {3}, three},
                                        {"features.1.bias", {3}, three},
                                        {"features.1.running_mean", {3}, three},
                                        {"features.1.running_var", {3}, three},
                                        {"classifier.0.weight", {2, 3}, last}};
  io::write_safetensors(path, tensors);
  CHECK(refusal(m, path).find("expected 8 tensors, found 7; missing: classifier.0.bias; not expected: none") !=
        std::string::npos);
  tensors.push_back({"classifier.0.bias", {1, 2}, two});
  io::write_safetensors(path, tensors);
  CHECK(refusal(m, path).find("classifier.0.bias") != std::string::npos);
  CHECK(values(m) == before);
  tensors.back().shape = {2};
  io::write_safetensors(path, tensors);  // without num_batches_tracked
  CHECK(refusal(m, path) == "nothing");
  const std::vector<double> after = values(m);
  CHECK(std::all_of(after.begin(), after.end(), [](double v) { return v == 0.5; }));
  tensors.push_back({"features.9.bias", {2}, two});
  io::write_safetensors(path, tensors);
  CHECK(refusal(m, path).find("missing: none; not expected: features.9.bias") != std::string::npos);
}
