#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <type_traits>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/fwd.hpp>
#include <localis/layer/concept.hpp>
#include <localis/layer/junction.hpp>
#include <localis/layer/residual.hpp>

namespace localis {

/// The input of a network of images, channels last.
template <std::size_t Height, std::size_t Width, std::size_t Channels>
struct image {
  static constexpr shape extents{Height, Width, Channels};
};

/// The input of a network without spatial extent: `Size` values.
template <std::size_t Size>
struct vector_input {
  static constexpr shape extents{1, 1, Size};
};

/// The input of a network of signals, channels last: `Length` positions of `Channels` values, an image of height 1.
template <std::size_t Length, std::size_t Channels>
using signal_input = image<1, Length, Channels>;

/// A sequence of layers, used as one entry of a network.
template <class... Layers>
struct sequence {};

namespace detail {

template <std::size_t Count, class... Layers>
struct repeated {
  using type = sequence<Layers..., typename repeated<Count - 1, Layers...>::type>;
};
template <class... Layers>
struct repeated<0, Layers...> {
  using type = sequence<>;
};

}  // namespace detail

/// A sequence of layers, repeated `Count` times.
template <std::size_t Count, class... Layers>
using repeat = typename detail::repeated<Count, Layers...>::type;

namespace detail {

template <class... Layers>
struct layer_list {
  static constexpr std::size_t size = sizeof...(Layers);
};

template <class... A, class... B>
constexpr layer_list<A..., B...> operator+(layer_list<A...>, layer_list<B...>) {
  return {};
}

/// The operations of a layer: one for itself or, for a block, its layers between junctions.
template <class Layer>
struct flattened {
  using type = layer_list<Layer>;
};
template <class... Layers>
using flatten = decltype((layer_list<>{} + ... + typename flattened<Layers>::type{}));

template <class... Layers>
struct flattened<sequence<Layers...>> {
  using type = flatten<Layers...>;
};
template <class... Layers>
struct flattened<block<Layers...>> {
  using type = flatten<open_block, Layers..., close_block>;
};

/// The operations of one branch of a block: its layers, after the operation that begins it and before those that join
/// it.
template <class Begin, class Branch, class... Join>
struct branch_operations {
  static_assert(!std::is_same_v<Branch, Branch>,
                "localis::network: the entries of concatenated<...>, added<...> and multiplied<...> are branches. "
                "Expected: branch<conv2d<...>, relu>, or branch<> for the input itself");
  using type = layer_list<Begin, Join...>;
};
template <class Begin, class... Layers, class... Join>
struct branch_operations<Begin, branch<Layers...>, Join...> {
  using type = flatten<Begin, Layers..., Join...>;
};

/// The operations of the other branches of a block.
template <template <bool IsLast> class Join, class... Branches>
struct further_branches {
  using type = layer_list<>;
};
template <template <bool IsLast> class Join, class Branch, class... Others>
struct further_branches<Join, Branch, Others...> {
  using type = decltype(typename branch_operations<take_shortcut, Branch, Join<sizeof...(Others) == 0>>::type{} +
                        typename further_branches<Join, Others...>::type{});
};

template <class First, class... Others>
struct flattened<added<First, Others...>> {
  using type = decltype(typename branch_operations<save_skip, First>::type{} +
                        typename further_branches<add_branch, Others...>::type{});
};
template <class First, class Second>
struct flattened<multiplied<First, Second>> {
  using type = decltype(typename branch_operations<save_skip, First>::type{} +
                        typename further_branches<multiply_branch, Second>::type{});
};
template <class First, class... Others>
struct flattened<concatenated<First, Others...>> {
  using type = decltype(typename branch_operations<save_skip, First, concatenate_branch<false>>::type{} +
                        typename further_branches<concatenate_branch, Others...>::type{});
};
template <class... Layers>
struct flattened<residual<Layers...>> : flattened<added<branch<Layers...>, branch<>>> {};
template <class... Shortcut, class... Layers>
struct flattened<residual<shortcut<Shortcut...>, Layers...>>
    : flattened<added<branch<Layers...>, branch<Shortcut...>>> {};

}  // namespace detail

/// The compiler prints the name of this type if neighbouring layers do not fit; the name contains the numbers.
template <std::size_t Layer, std::size_t Height, std::size_t Width, std::size_t Channels, misfit Problem>
struct layers_fit {
  static constexpr bool is_told = Problem == misfit::window_larger_than_input || Problem == misfit::stride_is_zero ||
                                  Problem == misfit::branches_differ || Problem == misfit::extents_differ ||
                                  Problem == misfit::factors_differ || Problem == misfit::more_units_than_inputs ||
                                  Problem == misfit::mixed_supervision || Problem == misfit::groups_do_not_divide ||
                                  Problem == misfit::empty || Problem == misfit::another_shape;
  static_assert(Problem != misfit::window_larger_than_input,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: the window of operation `Layer` is larger than the `Height` x `Width` it is given with its "
                "padding (pooling: the padding is more than half the window). Use a smaller window or more padding.");
  static_assert(
      Problem != misfit::stride_is_zero,
      "localis::network: a layer does not fit. Read layers_fit<Layer, ...> in the note: operation `Layer` has "
      "stride 0 or dilation 0. Use at least 1.");
  static_assert(Problem != misfit::branches_differ,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: the branch that operation `Layer` adds does not give Height x Width x Channels, as those before "
                "it in its block do (in residual<...>: the shortcut and the main branch). Give the block a "
                "shortcut<conv2d<...>> with the same result.");
  static_assert(Problem != misfit::extents_differ,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: the branch that operation `Layer` appends does not give Height x Width positions, as those "
                "before it in concatenated<...> do. Only the channels of the branches may differ.");
  static_assert(Problem != misfit::factors_differ,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: the second branch of the multiplied<...> that ends at operation `Layer` gives neither Height x "
                "Width x Channels, as the first does, nor 1 x 1 x Channels.");
  static_assert(
      Problem != misfit::more_units_than_inputs,
      "localis::network: a rule does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the note: "
      "the rule of operation `Layer` finds one direction of its input for each unit, and there are more units "
      "than inputs (window * Channels). Use fewer units or another rule.");
  static_assert(
      Problem != misfit::mixed_supervision,
      "localis::network: a rule does not fit. Read layers_fit<Layer, ...> in the note: operation `Layer` shares "
      "its block with layers whose rules are supervised (local_error, phsic, error_feedback, ...), and its own "
      "is not, or the other way round. Give all layers of the block rules of one kind.");
  static_assert(Problem != misfit::groups_do_not_divide,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: the groups of operation `Layer` do not divide the `Channels` of its input, or its own channels. "
                "Use groups<N> with an N that divides both.");
  static_assert(Problem != misfit::empty,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: operation `Layer` gives no values: an extent of what it makes of Height x Width x Channels is "
                "0.");
  static_assert(Problem != misfit::another_shape,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: operation `Layer` is given Height x Width x Channels and describes another input "
                "(operation::in), or is elementwise and gives another number of values (operation::out).");
  static_assert(Problem == misfit::none || is_told,
                "localis::network: a layer does not fit. Read layers_fit<Layer, Height, Width, Channels, ...> in the "
                "note: operation `Layer` does not take Height x Width x Channels: its own describe() says so "
                "(operation::problem).");
  static constexpr bool value = true;
};

/// A network as a flat program of `Count` operations, known at compile time.
template <std::size_t Count>
struct program {
  std::array<operation, Count> operations{};
  std::size_t stages = 0;
  std::size_t values = 1;  ///< value 0 is the input
  std::size_t first_misfit = Count;

  /// Index of the first operation that does not fit.
  [[nodiscard]] constexpr operation misfit_operation() const {
    return first_misfit < Count ? operations[first_misfit] : operation{};
  }
  [[nodiscard]] constexpr shape output() const { return Count == 0 ? shape{} : operations[Count - 1].out; }

  /// The highest boundary: all stages before it have a local rule, and the last stage always learns by gradient.
  [[nodiscard]] constexpr std::size_t highest_boundary() const {
    std::size_t highest = stages == 0 ? 0 : stages - 1;
    for (const operation& op : operations) {
      if (op.trainable() && op.learning == local_learning::none && op.stage < highest) highest = op.stage;
    }
    return highest;
  }
};

namespace detail {

/// Sets the members of each operation that depend on its stage and on the whole network.
template <std::size_t Count>
constexpr void note_stages(program<Count>& p) {
  for (std::size_t first = 0; first < Count;) {
    std::size_t end = first;
    const operation* trainable = nullptr;  // the last one of the stage so far
    for (; end < Count && p.operations[end].stage == p.operations[first].stage; ++end) {
      operation& op = p.operations[end];
      if (!op.trainable()) continue;
      if (trainable != nullptr && op.supervised() != trainable->supervised() && p.first_misfit == Count) {
        op.problem = misfit::mixed_supervision;
        p.first_misfit = end;
      }
      // The last stage always learns by gradient.
      op.has_local_loss = op.supervised() && trainable == nullptr && op.stage + 1 < p.stages;
      trainable = &op;
    }
    for (std::size_t i = first; i < end; ++i) {
      operation& op = p.operations[i];
      if (trainable != nullptr && !op.trainable()) op.learning = trainable->learning;
      op.stage_output = p.operations[end - 1].out;
      op.network_outputs = p.operations[Count - 1].out.size();
    }
    first = end;
  }
}

/// The description of a layer after an output of shape `in`. A layer without a description is reported by
/// check_description and skipped here.
template <class Layer>
constexpr operation described(const shape& in) {
  operation op;
  if constexpr (is_described<Layer>) {
    op = Layer::describe(in);
    if (op.problem != misfit::none) return op;
    if (op.out.size() == 0) op.problem = misfit::empty;
    if (op.in.size() != in.size() || (op.elementwise && op.out.size() != in.size())) {
      op.in = in;
      op.problem = misfit::another_shape;
    }
  } else {
    op.kind = operation_kind::linear;
    op.in = in;
    op.out = in;
  }
  return op;
}

/// A block whose end has not been reached.
struct open_junction {
  std::size_t input = 0;  ///< the value that all branches read
  shape input_extents{};
  std::size_t start = 0;   ///< the operation that begins the branch
  std::size_t joined = 0;  ///< the value of the branches before it; 0 in the first one
  shape joined_extents{};
};

/// Joins a branch, whose value and extents are given, to those before it in its block.
constexpr void join(operation& op, const open_junction& block, std::size_t value, const shape& extents) {
  const shape& joined = block.joined_extents;
  if (op.kind == operation_kind::concatenate) {
    op.skip = block.joined;
    op.first_channel = block.joined == 0 ? 0 : joined.channels;
    op.out.channels = op.first_channel + extents.channels;
    if (block.joined != 0 && (extents.height != joined.height || extents.width != joined.width)) {
      op.in = joined;
      op.problem = misfit::extents_differ;
    }
    return;
  }
  const bool spreads = op.kind == operation_kind::multiply && extents == shape{1, 1, joined.channels};
  if (spreads) op.field = {joined.height, joined.width};
  if (!spreads && !(extents == joined)) {
    op.problem = op.kind == operation_kind::add ? misfit::branches_differ : misfit::factors_differ;
  }
  op.in = op.out = joined;
  op.input = block.joined;
  op.skip = value;
}

template <class... Layers>
constexpr program<sizeof...(Layers)> build_program(const shape& input, layer_list<Layers...>) {
  constexpr std::size_t count = sizeof...(Layers);
  program<count> result;
  using describe = operation (*)(const shape&);
  const std::array<describe, count> layers{&described<Layers>...};
  shape current = input;
  std::size_t value = 0;  // of the running branch
  std::array<open_junction, count + 1> blocks{};
  std::size_t depth = 0;  // of blocks within each other
  bool any_trainable = false;
  for (std::size_t i = 0; i < count; ++i) {
    operation op = layers[i](current);
    const bool opens = op.kind == operation_kind::save_skip || op.kind == operation_kind::open_block;
    if (depth == 0 && (opens || op.trainable())) {
      // Layers before the first trainable one belong to stage 0.
      if (any_trainable) ++result.stages;
      any_trainable = true;
    }
    if (opens) {
      blocks[++depth] = {value, current, i};
    } else if (op.kind == operation_kind::shortcut) {
      open_junction& block = blocks[depth];
      block.joined = value;
      block.joined_extents = current;
      value = block.input;
      op.in = op.out = current = block.input_extents;
      result.operations[block.start].skip = result.values;
      block.start = i;
    }
    op.input = value;
    if (op.joins()) join(op, blocks[depth], value, current);
    if (op.ends_junction) --depth;
    if (i > 0) {
      const operation& previous = result.operations[i - 1];
      // A sum does not keep what an activation that reads its input backward would read.
      const bool is_kept = previous.kind != operation_kind::add || !op.saves_input();
      op.fused_into_previous = is_kept && op.fusable_as == fusion::activation && previous.accepts == fusion::activation;
      op.is_epilogue = op.kind == operation_kind::normalization
                           ? op.fusable_as == fusion::epilogue && previous.accepts == fusion::epilogue
                           : previous.is_epilogue && (op.fused_into_previous || op.fusable_as == fusion::epilogue);
    }
    op.stage = result.stages;
    op.output = result.values++;
    value = op.output;
    if (op.problem != misfit::none) {
      if (result.first_misfit == count) result.first_misfit = i;
      op.out = current;  // only the first misfit is reported
    }
    current = op.out;
    result.operations[i] = op;
    if (op.kind == operation_kind::concatenate && op.ends_junction) {
      for (std::size_t part = op.skip; part != 0; part = result.operations[part - 1].skip) {
        result.operations[part - 1].out = op.out;
      }
    }
  }
  if (any_trainable) ++result.stages;
  note_stages(result);
  return result;
}

template <class Input>
concept has_extents = requires {
  { Input::extents } -> std::convertible_to<shape>;
};
template <class Input>
constexpr bool check_input() {
  static_assert(
      has_extents<Input>,
      "localis::network: the first entry is the input, not a layer. Expected: image<Height, Width, Channels>, "
      "signal_input<Length, Channels> or vector_input<Size>");
  return true;
}
template <class Input>
constexpr shape extents_of() {
  if constexpr (has_extents<Input>) {
    return Input::extents;
  } else {
    return {32, 32, 16};
  }
}
template <class... Layers>
constexpr bool check_entry(const shortcut<Layers...>*) {
  static_assert(sizeof...(Layers) > 0 && sizeof...(Layers) == 0,
                "localis::residual: a shortcut<...> is the first entry of residual<...>, and stands nowhere else");
  return true;
}
template <class... Layers>
constexpr bool check_entry(const branch<Layers...>*) {
  static_assert(sizeof...(Layers) > 0 && sizeof...(Layers) == 0,
                "localis::network: a branch<...> is an entry of concatenated<...>, added<...> or multiplied<...>, and "
                "stands nowhere else");
  return true;
}
template <class Layer>
constexpr bool check_entry(const Layer*) {
  return check_description<Layer>();
}
template <class... Layers>
constexpr bool check_entries(layer_list<Layers...>) {
  // clang takes no fold expression over more than 256 entries.
  (void)std::initializer_list<bool>{check_entry(static_cast<const Layers*>(nullptr))...};
  return true;
}

}  // namespace detail

/// A network: a type without values, made of its input and a flat pack of layers.
///
///   using net = network<image<28, 28, 1>, conv2d<32, 3, rule::oja>, relu, max_pool2d<2>, dense<10>>;
template <class Input, class... Layers>
struct network {
  using layers = detail::flatten<Layers...>;
  static_assert(detail::check_input<Input>() && detail::check_entries(layers{}));
  static constexpr std::size_t size = layers::size;  ///< number of operations; blocks count with their contents
  static constexpr shape input = detail::extents_of<Input>();
  static constexpr auto program = detail::build_program(input, layers{});

  static_assert(input.size() > 0, "localis::network: the input is empty");
  static constexpr operation odd_one = program.misfit_operation();
  static_assert(layers_fit<program.first_misfit, odd_one.in.height, odd_one.in.width, odd_one.in.channels,
                           odd_one.problem>::value);
  static_assert(program.first_misfit != size || program.stages > 0,
                "localis::network: there is no trainable layer (dense, conv2d, residual)");

  static constexpr shape output = program.output();
  static constexpr std::size_t stages = program.stages;
  static constexpr std::size_t highest_boundary = program.highest_boundary();
};

}  // namespace localis
