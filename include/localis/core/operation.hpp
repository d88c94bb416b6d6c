#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <type_traits>

#include <localis/core/communicator.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>

namespace localis {

/// Why a layer does not fit the layer before it. The network itself detects the last six.
enum class misfit {
  none,
  window_larger_than_input,
  stride_is_zero,
  more_units_than_inputs,
  groups_do_not_divide,
  other,  ///< for layers of a user: does not accept such an input
  branches_differ,
  extents_differ,
  factors_differ,
  mixed_supervision,
  empty,         ///< has no output values
  another_shape  ///< describes another input than it gets, or is elementwise and changes the number of values
};

enum class operation_kind {
  linear,
  normalization,
  activation,
  pooling,
  dropout,
  // Junctions. The last four pass their input on unchanged.
  add,
  multiply,
  concatenate,
  save_skip,  ///< begins the first branch of a block
  shortcut,   ///< begins another branch of it
  open_block,
  close_block
};

/// How a trainable layer learns while its stage lies before the boundary. From the boundary on, all learn by gradient.
enum class local_learning {
  none,                 ///< not at all, so that its stage never lies before the boundary
  unsupervised,         ///< by a rule on its input and its response
  supervised,           ///< by the gradient of the local loss of its stage
  supervised_by_errors  ///< likewise, by a local loss that needs the output error of each sample when it was last seen
};

/// The values that the backward pass of an operation reads, besides gradients and what its forward pass saved.
enum class saved_values { none, input, output, input_and_output };

/// How one operation runs in the passes of another.
enum class fusion {
  none,
  activation,  ///< an activation, in the forward and backward pass of the operation before it
  epilogue     ///< part of the epilogue of a trainable layer, in its forward pass
};

/// One step of a network's flat program: kind, shapes, flags and stage of a layer, without its weights. A layer fills
/// in its part; network/program.hpp numbers stages and values.
struct operation {
  const char* name = "";
  const char* rule = "";  ///< name of the rule of a trainable layer
  operation_kind kind = operation_kind::activation;
  shape in{};
  shape out{};
  window field{};
  std::size_t groups = 1;
  misfit problem = misfit::none;

  bool has_bias = false;
  /// The output may overwrite the input, and the input gradient the output gradient.
  bool elementwise = false;
  bool ends_junction = false;  ///< the last operation of a block
  bool accumulates = false;    ///< backward can add to the input gradient (operands::adds_input_gradient)
  std::size_t parameters = 0;
  local_learning learning = local_learning::none;  ///< of a trainable layer; the network sets it for the others
  saved_values saves = saved_values::none;
  fusion fusable_as = fusion::none;  ///< what it can be in the passes of an operation before it
  fusion accepts = fusion::none;     ///< what it can run of the operations that follow it

  // The members below are filled in by the network.
  bool fused_into_previous = false;  ///< the operation before it computes this one
  /// Runs in the pass of a trainable layer if nothing is saved for backward. Otherwise that pass takes the moments that
  /// a normalization needs.
  bool is_epilogue = false;
  bool has_local_loss = false;      ///< this layer holds the local loss of its stage
  shape stage_output{};             ///< output shape of the last operation of the stage
  std::size_t network_outputs = 0;  ///< number of outputs of the whole network
  std::size_t stage = 0;
  std::size_t input = 0;  ///< value numbers; 0 is the network's input
  /// Of an operation that joins: its second input, which for `concatenate` is 0 or the value that it completes. Of one
  /// that begins a branch: what begins the next branch of the block, or 0.
  std::size_t skip = 0;
  std::size_t first_channel = 0;  ///< of `concatenate`: where the channels of its input begin in its output
  std::size_t output = 0;

  [[nodiscard]] constexpr linear_map map() const { return {in, out, field, groups}; }
  /// Whether the output is the input: it is neither computed nor stored again.
  [[nodiscard]] constexpr bool passes_on() const {
    return kind == operation_kind::save_skip || kind == operation_kind::shortcut ||
           kind == operation_kind::open_block || kind == operation_kind::close_block;
  }
  /// Whether it begins a branch.
  [[nodiscard]] constexpr bool starts_branch() const {
    return kind == operation_kind::save_skip || kind == operation_kind::shortcut;
  }
  /// Whether it joins two branches, or adds one to those before.
  [[nodiscard]] constexpr bool joins() const {
    return kind == operation_kind::add || kind == operation_kind::multiply || kind == operation_kind::concatenate;
  }
  [[nodiscard]] constexpr bool trainable() const { return kind == operation_kind::linear; }
  /// Whether its stage learns from a local loss while it lies before the boundary.
  [[nodiscard]] constexpr bool supervised() const {
    return learning == local_learning::supervised || learning == local_learning::supervised_by_errors;
  }
  [[nodiscard]] constexpr bool saves_input() const {
    return saves == saved_values::input || saves == saved_values::input_and_output;
  }
  [[nodiscard]] constexpr bool saves_output() const {
    return saves == saved_values::output || saves == saved_values::input_and_output;
  }
};

/// How an operation runs forward.
enum class mode {
  evaluate,  ///< no learning, running statistics
  learn,     ///< before the boundary: the local rule learns, nothing is saved
  train      ///< from the boundary on: saves what the backward pass reads
};

/// Which statistics normalization layers before the boundary use.
enum class prefix_normalization {
  running,  ///< step t uses the running statistics up to t-1, and updates them in the same pass
  batch,    ///< the statistics of this batch, as from the boundary on
  frozen    ///< the running statistics from when the boundary passed the layer; they no longer change
};

/// Values of one training step that all layers see.
template <class T>
struct step_values {
  double local_rate = 0;         ///< 0 freezes the prefix
  const T* gain = nullptr;       ///< factor of the supervision on the local rate, in the backend's memory
  const T* modulator = nullptr;  ///< one factor per sample on every gate, in the backend's memory; null: 1
  double reward = 1;             ///< factor on eligibility traces
  prefix_normalization normalization = prefix_normalization::running;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;     ///< number of the step since the start of training
  bool apply_updates = true;  ///< false: a dry run, which changes no weight, state or statistic
};

/// The arrays of one operation in this pass, in the backend's memory; null for an array that it does not have.
template <class T>
struct operands {
  std::size_t samples = 0;
  std::size_t first_sample = 0;  ///< place of the first one in the batch of all ranks, which may pass in several pieces
  /// Whether the samples stand for all of the batch, of which backward sees some alone: normalization uses running
  /// statistics, and takes them for constants.
  bool is_part = false;
  const whole_batch* whole = nullptr;  ///< the batch of all ranks; null if this rank acts alone
  const T* input = nullptr;
  const T* skip = nullptr;
  T* output = nullptr;
  T* output_gradient = nullptr;
  T* input_gradient = nullptr;             ///< null if no earlier stage needs it
  bool adds_input_gradient = false;        ///< backward adds to input_gradient; only for an operation that accumulates
  std::size_t input_gradient_samples = 0;  ///< the first samples, whose input gradient is wanted; 0: all samples
  /// Of an operation that joins: the gradient of its second input. Of one that begins a branch: what backward adds, the
  /// gradient of the branches after it.
  T* skip_gradient = nullptr;
  T* saved = nullptr;                        ///< values that forward leaves for backward
  std::byte* parameter_gradients = nullptr;  ///< in the order of parameters(), each aligned as workspace does
  std::byte* kept = nullptr;  ///< on several ranks: where a local rule leaves its sums for a step behind backward
  std::byte* scratch = nullptr;

  /// The number of samples of all ranks.
  [[nodiscard]] std::size_t all_samples() const { return whole == nullptr ? samples : whole->samples; }
  /// The number of samples whose input gradient is wanted.
  [[nodiscard]] std::size_t wanted_samples() const {
    return input_gradient_samples == 0 ? samples : input_gradient_samples;
  }
};

enum class parameter_role {
  trainable,  ///< an optimizer or a local rule changes it
  state       ///< the layer or its rule keeps it, as running statistics
};

/// One array of a layer that is stored with the model: rows x columns values. A const model gives parameter<const T>.
template <class T>
struct parameter {
  const char* name;
  std::size_t rows;
  std::size_t columns;
  T* value;
  parameter_role role;

  [[nodiscard]] bool trainable() const { return role == parameter_role::trainable; }
  [[nodiscard]] std::size_t size() const { return rows * columns; }
  /// The array in the backend's memory.
  [[nodiscard]] std::span<T> values() const { return {value, size()}; }
  /// As T* converts to const T*. A template, because nvcc refuses a conversion of a class to itself.
  template <std::same_as<const T> U>
  operator parameter<U>() const {  // NOLINT(google-explicit-constructor)
    return {name, rows, columns, value, role};
  }
};

namespace detail {

/// The arrays of a layer as a const one shows them.
template <class T, std::size_t Count>
[[nodiscard]] std::array<parameter<const T>, Count> read_only(const std::array<parameter<T>, Count>& arrays) {
  std::array<parameter<const T>, Count> result{};
  std::copy(arrays.begin(), arrays.end(), result.begin());
  return result;
}

template <class S, class Backend>
concept is_made_for = std::is_constructible_v<S, Backend&, const operation&, random_stream>;

template <class R, class T>
concept parameter_range = requires(R&& range) {
  { *std::begin(range) } -> std::convertible_to<const parameter<T>&>;
  std::end(range);
};

}  // namespace detail

/// The kind of pass that scratch memory is measured for.
enum class phase { evaluate, learn, train, backward };

/// Base of a layer that needs no scratch memory and saves nothing.
struct stateless {
  template <class Backend>
  static std::size_t scratch_bytes(const Backend&, const operation&, std::size_t, phase) {
    return 0;
  }
  static constexpr std::size_t saved(const operation&) { return 0; }
};

}  // namespace localis
