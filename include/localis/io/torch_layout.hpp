#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/operation.hpp>

/// The names and the order that PyTorch gives to the arrays of a network's operations, in the corresponding networks of
/// torchvision.
namespace localis::io {

/// The naming schemes for the modules of a network.
enum class torch_names {
  features,      ///< features.0, features.1, ... up to the last pooling, then classifier.0, ...: LeNet, AlexNet, VGG
  resnet,        ///< conv1, bn1, layer1.0.conv1, layer1.0.downsample.0, ..., fc; also timm's
  googlenet,     ///< conv1.conv, conv1.bn, inception3a.branch1.conv, inception3a.branch2.0.conv, ..., fc
  densenet,      ///< features.conv0, features.denseblock1.denselayer1.norm1, features.transition1.conv, ..., classifier
  squeezenet,    ///< features.0, features.3.squeeze, features.3.expand1x1, ..., classifier.1
  mobilenet_v2,  ///< features.0.0, features.1.conv.0.0, ..., classifier.1
  efficientnet,  ///< features.0.0, features.1.0.block.0.0, features.1.0.block.1.fc1, ..., classifier.1
  /// 0, 1, ...: the places in an nn.Sequential of the same layers, those without parameters included, and an nn.Flatten
  /// where a dense layer follows a map. For networks without blocks.
  sequential
};

/// Gives a tensor another name: `op` and `parameter` (weight, bias, gamma, beta, running_mean, running_variance, or
/// num_batches_tracked) say which it is, `name` is its name by a naming scheme.
using tensor_renamer =
    std::function<std::string(const operation& op, std::string_view parameter, const std::string& name)>;

namespace detail {

inline bool is_norm(const operation& op) { return op.kind == operation_kind::normalization; }

inline std::vector<std::string> features_names(std::span<const operation> program) {
  std::size_t split = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    if (program[i].kind == operation_kind::pooling) split = i + 1;
  }
  std::vector<std::string> names;
  names.reserve(program.size());
  for (std::size_t i = 0; i < program.size(); ++i) {
    names.push_back(i < split ? text("features.", i) : text("classifier.", i - split));
  }
  return names;
}

inline std::vector<std::string> resnet_names(std::span<const operation> program) {
  std::vector<std::string> names(program.size());
  // A group begins with the first block and with each block that has a projection.
  std::size_t group = 0;
  std::size_t block = 0;
  std::size_t number = 0;  // of the convolution within its branch
  bool in_block = false;
  bool in_shortcut = false;
  const auto projects = [&](std::size_t index) {
    while (program[index].kind != operation_kind::shortcut) ++index;
    return program[index + 1].kind != operation_kind::add;
  };
  for (std::size_t i = 0; i < program.size(); ++i) {
    const operation& op = program[i];
    if (op.kind == operation_kind::save_skip) {
      const bool first = group == 0 || projects(i);
      block = first ? 0 : block + 1;
      group += first ? 1 : 0;
      number = 0;
      in_block = true;
      in_shortcut = false;
    } else if (op.kind == operation_kind::shortcut) {
      in_shortcut = true;
      number = 0;
    } else if (op.kind == operation_kind::add) {
      in_block = false;
    } else if (op.trainable() || is_norm(op)) {
      if (op.trainable()) ++number;
      const std::string place = in_block ? text("layer", group, '.', block, '.') : std::string();
      if (in_block && in_shortcut) {
        names[i] = text(place, "downsample.", op.trainable() ? 0 : 1);
      } else if (!in_block && group > 0) {
        names[i] = "fc";
      } else {
        names[i] = text(place, op.trainable() ? "conv" : "bn", number);
      }
    }
  }
  return names;
}

inline std::vector<std::string> googlenet_names(std::span<const operation> program) {
  std::vector<std::string> names(program.size());
  std::size_t number = 0;     // of the convolution before the modules
  std::size_t pools = 0;      // between the modules
  std::size_t inception = 0;  // since the last of these
  std::size_t branch = 0;     // 0 outside a module
  std::size_t part = 0;       // of the branch
  for (std::size_t i = 0; i < program.size(); ++i) {
    const operation& op = program[i];
    const char* leaf = op.trainable() ? ".conv" : ".bn";
    if (op.starts_branch()) {
      ++branch;
      part = 0;
    } else if (op.ends_junction) {
      branch = 0;
      ++inception;
    } else if (op.kind == operation_kind::pooling && branch == 0) {
      ++pools;
      inception = 0;
    } else if (op.kind == operation_kind::pooling || op.kind == operation_kind::activation) {
      ++part;
    } else if (branch > 0 && (op.trainable() || is_norm(op))) {
      const auto letter = static_cast<char>('a' + static_cast<int>(inception));
      const std::string place = text("inception", pools + 1, letter, ".branch", branch);
      names[i] = branch == 1 ? text(place, leaf) : text(place, '.', part, leaf);
    } else if (op.trainable() || is_norm(op)) {
      if (op.trainable()) ++number;
      names[i] = i + 1 == program.size() ? std::string("fc") : text("conv", number, leaf);
    }
  }
  return names;
}

inline std::vector<std::string> densenet_names(std::span<const operation> program) {
  std::vector<std::string> names(program.size());
  std::size_t block = 0;   // of the transition before it
  std::size_t layer = 0;   // of the block
  std::size_t number = 0;  // of the convolution within the layer
  bool in_layer = false;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const operation& op = program[i];
    if (op.kind == operation_kind::save_skip) {
      in_layer = true;
      number = 1;
      ++layer;
      if (block == 0) block = 1;
    } else if (op.ends_junction) {
      in_layer = false;
    } else if (is_norm(op)) {
      // The last normalization follows the last block directly.
      const bool last = program[i + 2].kind == operation_kind::pooling;
      names[i] = in_layer     ? text("features.denseblock", block, ".denselayer", layer, ".norm", number)
                 : block == 0 ? std::string("features.norm0")
                 : last       ? std::string("features.norm5")
                              : text("features.transition", block, ".norm");
    } else if (op.trainable()) {
      names[i] = in_layer                 ? text("features.denseblock", block, ".denselayer", layer, ".conv", number++)
                 : block == 0             ? std::string("features.conv0")
                 : i + 1 < program.size() ? text("features.transition", block++, ".conv")
                                          : std::string("classifier");
      if (!in_layer) layer = 0;
    }
  }
  return names;
}

inline std::vector<std::string> squeezenet_names(std::span<const operation> program) {
  std::vector<std::string> names(program.size());
  std::size_t feature = 0;
  const auto squeezes = [&](std::size_t index) {  // its activation and the branches follow
    return index + 2 < program.size() && program[index + 2].kind == operation_kind::save_skip;
  };
  bool in_fire = false;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const operation& op = program[i];
    const std::string place = text("features.", feature);
    if (op.kind == operation_kind::dropout) {
      names[i + 1] = "classifier.1";
      break;
    }
    if (op.trainable()) {
      names[i] = squeezes(i) ? text(place, ".squeeze")
                 : in_fire   ? text(place, ".expand", op.field.height, 'x', op.field.width)
                             : place;
    }
    in_fire = in_fire || squeezes(i);
    if (op.ends_junction) in_fire = false;
    if (!in_fire) ++feature;
  }
  return names;
}

inline std::vector<std::string> mobilenet_v2_names(std::span<const operation> program) {
  std::vector<std::string> names(program.size());
  std::size_t feature = 0;
  std::size_t part = 0;   // of a block: its convolutions
  std::size_t parts = 0;  // how many the block has
  bool in_block = false;
  const auto count_parts = [&](std::size_t index) {
    std::size_t count = 0;
    for (++index; program[index].kind != operation_kind::close_block && program[index].kind != operation_kind::shortcut;
         ++index) {
      if (program[index].trainable()) ++count;
    }
    return count;
  };
  for (std::size_t i = 0; i < program.size(); ++i) {
    const operation& op = program[i];
    if (op.kind == operation_kind::save_skip || op.kind == operation_kind::open_block) {
      in_block = true;
      part = 0;
      parts = count_parts(i);
    } else if (op.kind == operation_kind::add || op.kind == operation_kind::close_block) {
      in_block = false;
      ++feature;
    } else if (op.trainable() || is_norm(op)) {
      const std::size_t inner = op.trainable() ? 0 : 1;
      if (!in_block) {
        names[i] = op.trainable() && i + 1 == program.size() ? std::string("classifier.1")
                                                             : text("features.", feature, '.', inner);
        if (inner == 1) ++feature;
      } else {
        // The last convolution of a block has no activation, and is a module of the block itself.
        const std::string place = text("features.", feature, ".conv.");
        names[i] = part + 1 < parts ? text(place, part, '.', inner) : text(place, part + inner);
        if (inner == 1) ++part;
      }
    }
  }
  return names;
}

inline std::vector<std::string> efficientnet_names(std::span<const operation> program) {
  std::vector<std::string> names(program.size());
  std::size_t feature = 0;
  std::size_t block = 0;   // of a feature, which begins with a block without a sum
  std::size_t part = 0;    // of the block
  std::size_t number = 0;  // of the convolution within the squeeze-excite
  std::size_t depth = 0;   // of blocks within each other
  for (std::size_t i = 0; i < program.size(); ++i) {
    const operation& op = program[i];
    const std::size_t inner = op.trainable() ? 0 : 1;
    if (op.kind == operation_kind::save_skip || op.kind == operation_kind::open_block) {
      if (++depth == 2) {
        number = 0;
        continue;
      }
      const bool first = op.kind == operation_kind::open_block;
      feature += first ? 1 : 0;
      block = first ? 0 : block + 1;
      part = 0;
    } else if (op.ends_junction) {
      if (--depth == 1) ++part;
    } else if (op.trainable() || is_norm(op)) {
      if (depth == 0) {
        if (op.trainable() && i > 0) ++feature;
        names[i] = i + 1 == program.size() ? std::string("classifier.1") : text("features.", feature, '.', inner);
      } else {
        const std::string place = text("features.", feature, '.', block, ".block.", part);
        names[i] = depth == 2 ? text(place, ".fc", ++number) : text(place, '.', inner);
        if (inner == 1) ++part;
      }
    }
  }
  return names;
}

inline std::vector<std::string> sequential_names(std::span<const operation> program) {
  std::vector<std::string> names;
  names.reserve(program.size());
  std::size_t place = 0;
  bool map = !program.empty() && program.front().in.positions() > 1;
  for (const operation& op : program) {
    if (op.kind >= operation_kind::save_skip) {
      throw config_error(
          text("module_names: names of an nn.Sequential: expected a network without blocks, found one at "
               "operation ",
               names.size(), "; another scheme, or a tensor_renamer, names its tensors"));
    }
    if (op.trainable() || op.kind == operation_kind::pooling) {
      const bool dense = std::string_view(op.name) == "dense";
      if (dense && map) ++place;  // nn.Flatten
      map = !dense;
    }
    names.push_back(text(place++));
  }
  return names;
}

}  // namespace detail

/// The module of each operation that has parameters. Errors: config_error for blocks in torch_names::sequential.
[[nodiscard]] inline std::vector<std::string> module_names(std::span<const operation> program, torch_names names) {
  switch (names) {
    case torch_names::resnet:
      return detail::resnet_names(program);
    case torch_names::googlenet:
      return detail::googlenet_names(program);
    case torch_names::densenet:
      return detail::densenet_names(program);
    case torch_names::squeezenet:
      return detail::squeezenet_names(program);
    case torch_names::mobilenet_v2:
      return detail::mobilenet_v2_names(program);
    case torch_names::efficientnet:
      return detail::efficientnet_names(program);
    case torch_names::sequential:
      return detail::sequential_names(program);
    case torch_names::features:
      break;
  }
  return detail::features_names(program);
}

/// A tensor of PyTorch, and the place of each of its values in the array of localis.
struct torch_tensor {
  std::string name;                 ///< in the module: weight, bias, running_mean, running_var
  std::vector<std::size_t> shape;   ///< shape in PyTorch
  std::vector<std::size_t> places;  ///< for each place in PyTorch, the place in localis; empty: the same places
};

/// @param input  the shape that the operation before this one puts out: a dense layer may see a flattened map
template <class T>
[[nodiscard]] torch_tensor torch_layout(const operation& op, const parameter<T>& p, const shape& input) {
  const std::string_view name = p.name;
  torch_tensor result;
  result.name = name == "gamma"              ? "weight"
                : name == "beta"             ? "bias"
                : name == "running_variance" ? "running_var"
                                             : std::string(name);
  result.shape = {p.size()};
  if (!op.trainable() || name != "weight") return result;
  const linear_map map = op.map();
  const std::size_t units = map.outputs();
  const std::size_t inputs = map.inputs();
  const bool dense = std::string_view(op.name) == "dense";
  // PyTorch puts the channels of a window or of a flattened map first, localis puts them last.
  const std::size_t channels = dense ? input.channels : map.in.channels / map.groups;
  const std::size_t cells = inputs / channels;
  if (dense) {
    result.shape = {units, inputs};
  } else if (std::string_view(op.name) == "conv1d") {
    result.shape = {units, channels, map.field.width};
  } else {
    result.shape = {units, channels, map.field.height, map.field.width};
  }
  if (channels == 1 || cells == 1) return result;
  result.places.reserve(p.size());
  for (std::size_t o = 0; o < units; ++o) {
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t cell = 0; cell < cells; ++cell) result.places.push_back(o * inputs + cell * channels + c);
    }
  }
  return result;
}

}  // namespace localis::io
