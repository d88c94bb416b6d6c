#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <localis/core/operation.hpp>
#include <localis/core/random.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/junction.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/math/activation.hpp>

namespace localis {

/// The layers of one branch of a block, all branches of which read the same input; branch<> passes it on. An entry of
/// concatenated<>, added<> and multiplied<>.
template <class... Layers>
struct branch {};

/// Branches whose outputs are concatenated along the channels, in the order of the branches: N x H x W x (C1 + C2 +
/// ...). They have the same height and width. The block is one stage: the boundary lies before or after it, and the
/// blocks within it are part of that stage.
///
///   concatenated<branch<conv2d<64, 1>, relu>, branch<conv2d<64, 3, padding<1>>, relu>>
///   concatenated<branch<>, branch<batch_norm, relu, conv2d<32, 3, padding<1>>>>   // the input, and 32 channels more
///
/// Cost:   each branch writes its output, and a copy of it to its channels of the concatenation: b N H W (C1 + C2 +
///         ...) bytes are read and as many written, for scalars of b bytes. Backward reads the gradient of these
///         channels where it is, and writes as many bytes. branch<>, too, is copied.
template <class First, class Second, class... Others>
struct concatenated {};

/// Branches whose outputs are added: y = first(x) + second(x) + ... The outputs have the same extents. The block is one
/// stage, as concatenated<> is. An activation after the sum is a layer of its own. residual<> is the sum of two
/// branches.
template <class First, class Second, class... Others>
struct added {};

/// Two branches whose outputs are multiplied element by element: y = first(x) * second(x). The outputs have the same
/// extents, or the second has one value per channel, 1 x 1 x C, by which all positions of the first are multiplied. The
/// block is one stage, as concatenated<> is.
///
///   multiplied<branch<>, branch<global_average_pool, dense<16>, relu, dense<64>, tanh>>   // excites 64 channels
///
/// Cost: one product per element forward, and two backward. It saves both factors.
template <class First, class Second>
struct multiplied {};

/// Several layers as one stage, without branches: the boundary lies before or after all of them.
template <class... Layers>
struct block {
  static_assert(sizeof...(Layers) > 0, "localis::block: the block is empty");
};

namespace detail {

/// The run-time part of the junctions, which are operations without parameters.
template <class Backend>
class junction : public stateless {
 public:
  using scalar = typename Backend::scalar;

  junction(Backend&, const operation&, random_stream) {}
  [[nodiscard]] std::array<parameter<scalar>, 0> parameters() const { return {}; }
  void validate() const {}
};

/// The run-time part of the junctions that pass their input on.
template <class Backend>
class passing : public junction<Backend> {
 public:
  using scalar = typename Backend::scalar;
  using junction<Backend>::junction;

  void forward(Backend&, const operation&, const operands<scalar>&, mode, const step_values<scalar>&) {}
  /// Where a branch begins, adds the gradient of the branches after it, unless its first layer has done so.
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.skip_gradient == nullptr) return;
    backend.for_rows(
        arrays.samples, op.in.size(),
        kernel::add<scalar>{arrays.output_gradient, arrays.skip_gradient, arrays.input_gradient, op.in.size()});
  }
};

/// The run-time part of the sum of two branches.
template <class Backend>
class sum_layer : public junction<Backend> {
 public:
  using scalar = typename Backend::scalar;
  using junction<Backend>::junction;

  template <class Function = identity_function>
  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode, const step_values<scalar>&,
               const Function& epilogue = {}) {
    backend.for_rows(arrays.samples, op.in.size(),
                     kernel::add<scalar, Function>{arrays.input, arrays.skip, arrays.output, op.in.size(), epilogue});
  }
  /// Both branches read the gradient of the sum where it is. Only an activation after the sum changes it.
  template <class Function = identity_function>
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays, const Function& epilogue = {}) {
    if constexpr (!std::is_same_v<Function, identity_function>) {
      scalar* gradient = arrays.input_gradient != nullptr ? arrays.input_gradient : arrays.skip_gradient;
      if (gradient == nullptr) return;
      backend.for_rows(arrays.samples, op.in.size(),
                       kernel::activate_gradient<scalar, Function>{arrays.output, arrays.output_gradient, gradient,
                                                                   op.in.size(), epilogue});
    }
  }
};

/// The run-time part of the product of two branches.
template <class Backend>
class product_layer : public junction<Backend> {
 public:
  using scalar = typename Backend::scalar;
  using junction<Backend>::junction;

  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    multiply(backend, op, arrays.samples, arrays.input, arrays.skip, arrays.output);
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    const scalar* gradient = arrays.output_gradient;
    if (arrays.skip_gradient != nullptr && spreads(op)) {
      backend.for_rows(arrays.samples, op.in.channels,
                       kernel::sum_products<scalar>{gradient, arrays.input, arrays.skip_gradient, op.in.channels,
                                                    op.in.positions()});
    } else if (arrays.skip_gradient != nullptr) {
      multiply(backend, op, arrays.samples, gradient, arrays.input, arrays.skip_gradient);
    }
    // This may overwrite the gradient of the product.
    if (arrays.input_gradient != nullptr) {
      multiply(backend, op, arrays.samples, gradient, arrays.skip, arrays.input_gradient);
    }
  }

 private:
  /// Whether all positions share the values of the second branch.
  static bool spreads(const operation& op) { return op.field.positions() > 1; }
  static void multiply(Backend& backend, const operation& op, std::size_t samples, const scalar* a, const scalar* b,
                       scalar* product) {
    const std::size_t group = op.field.positions();
    const std::size_t columns = op.in.size() / group;
    backend.for_rows(samples * group, columns,
                     kernel::multiply<scalar>{a, b, product, columns, kernel::divider(group)});
  }
};

/// The run-time part of a concatenation: it copies one branch to its channels of the output.
template <class Backend>
class concatenation_layer : public junction<Backend> {
 public:
  using scalar = typename Backend::scalar;
  using junction<Backend>::junction;

  void forward(Backend& backend, const operation& op, const operands<scalar>& arrays, mode,
               const step_values<scalar>&) {
    backend.for_rows(
        arrays.samples * op.in.positions(), op.in.channels,
        kernel::insert_columns<scalar>{arrays.input, op.in.channels, arrays.output, op.out.channels, op.first_channel});
  }
  void backward(Backend& backend, const operation& op, const operands<scalar>& arrays) {
    if (arrays.input_gradient == nullptr) return;
    backend.for_rows(arrays.samples * op.in.positions(), op.in.channels,
                     kernel::extract_columns<scalar>{
                         arrays.output_gradient, op.out.channels, op.first_channel, arrays.input_gradient,
                         op.in.channels, arrays.adds_input_gradient ? kernel::store::add : kernel::store::replace});
  }
};

template <operation_kind Kind, template <class Backend> class State, bool IsLast = false>
struct junction_layer {
  static constexpr const char* names[7] = {"add",      "multiply",   "concatenate", "save_skip",
                                           "shortcut", "open_block", "close_block"};
  static constexpr operation describe(const shape& in) {
    operation op;
    op.name = names[static_cast<std::size_t>(Kind) - static_cast<std::size_t>(operation_kind::add)];
    op.kind = Kind;
    op.in = in;
    op.out = in;
    op.elementwise = Kind != operation_kind::concatenate;
    op.ends_junction = IsLast;
    op.accumulates = Kind == operation_kind::concatenate;
    op.saves = Kind == operation_kind::multiply ? saved_values::input : saved_values::none;
    op.accepts = Kind == operation_kind::add ? fusion::activation : fusion::none;
    return op;
  }
  template <class Backend>
  using state = State<Backend>;
};

using save_skip = junction_layer<operation_kind::save_skip, passing>;
using take_shortcut = junction_layer<operation_kind::shortcut, passing>;
using open_block = junction_layer<operation_kind::open_block, passing>;
using close_block = junction_layer<operation_kind::close_block, passing, true>;
template <bool IsLast>
using add_branch = junction_layer<operation_kind::add, sum_layer, IsLast>;
template <bool IsLast>
using multiply_branch = junction_layer<operation_kind::multiply, product_layer, IsLast>;
template <bool IsLast>
using concatenate_branch = junction_layer<operation_kind::concatenate, concatenation_layer, IsLast>;

}  // namespace detail
}  // namespace localis
