#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>

namespace localis {

/// Why a layer does not fit behind the one before it. The network finds the last four of itself.
enum class misfit {
  none,
  window_larger_than_input,
  stride_is_zero,
  more_units_than_inputs,
  groups_do_not_divide,
  other,  ///< for layers of one's own: does not take such an input
  branches_differ,
  mixed_supervision,
  empty,         ///< gives no values
  another_shape  ///< does not describe the input that it is given, or is elementwise and gives more or fewer values
};

enum class operation_kind {
  linear,
  normalization,
  activation,
  pooling,
  dropout,
  // Junctions, of which all but `add` pass their input on as it is.
  save_skip,
  shortcut,
  add,
  open_block,
  close_block
};

/// One step of a network's flat program. Layers fill in what is theirs; network/program.hpp numbers stages and values.
struct operation {
  const char* name = "";
  const char* rule = "";  ///< of a trainable layer
  operation_kind kind = operation_kind::activation;
  shape in{};
  shape out{};
  window field{};
  std::size_t groups = 1;
  misfit problem = misfit::none;

  bool bias = false;
  bool local = false;                     ///< has a rule: may lie in the prefix as a trainable layer
  bool elementwise = false;               ///< output may take the input's place, forward and backward
  bool fusable = false;                   ///< an activation that the operation before it can do in its own passes
  bool accepts_fused_activation = false;  ///< can do that for the activation behind it
  bool accepts_epilogue = false;  ///< of a trainable layer: does in its own pass what may follow (kernel::epilogue)
  bool fusable_as_epilogue =
      false;                  ///< may be done in the pass of the trainable layer before it, where nothing is kept
  bool saves_input = false;   ///< backward reads the input
  bool saves_output = false;  ///< backward reads the output
  std::size_t parameters = 0;
  bool supervised = false;  ///< its stage learns by a supervised rule while it lies before the boundary

  bool remembers_errors = false;  ///< its rule wants each sample's error from when it was last seen

  // What the network adds.
  bool fused_into_previous = false;  ///< done by the operation before it
  bool is_epilogue = false;          ///< done in the pass of a trainable layer, where nothing is kept
  bool has_local_loss = false;       ///< the layer that holds its stage's local loss
  shape stage_output{};              ///< of the last operation of the stage
  std::size_t network_outputs = 0;   ///< of the whole network
  std::size_t stage = 0;
  std::size_t input = 0;  ///< value numbers; 0 is the network's input
  std::size_t skip = 0;   ///< second input of `add`; of `save_skip`: the value its shortcut makes of the same input
  std::size_t output = 0;

  [[nodiscard]] constexpr linear_map map() const { return {in, out, field, groups}; }
  /// The output is the input: not computed, not stored again.
  [[nodiscard]] constexpr bool passes_on() const {
    return kind == operation_kind::save_skip || kind == operation_kind::shortcut ||
           kind == operation_kind::open_block || kind == operation_kind::close_block;
  }
  [[nodiscard]] constexpr bool trainable() const { return kind == operation_kind::linear; }
};

/// How an operation runs forward.
enum class mode {
  evaluate,  ///< no learning, running statistics
  learn,     ///< before the boundary: local rule, nothing is kept
  train      ///< from the boundary on: keeps what backward reads
};

/// How normalization layers before the boundary find their statistics.
enum class prefix_normalization {
  running,  ///< step t uses the running statistics up to t-1, and updates them in the same pass
  batch,    ///< this batch's own statistics, as behind the boundary
  frozen    ///< the running statistics as the boundary found them: they rest too
};

/// What the parts of one training step share.
template <class T>
struct step_values {
  double local_rate = 0;         ///< 0 freezes the prefix
  const T* gain = nullptr;       ///< supervision's factor on the local rate, in the backend's memory
  const T* modulator = nullptr;  ///< by sample, in the backend's memory: the third factor of every gate; null: 1
  prefix_normalization normalization = prefix_normalization::running;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;     ///< counts steps from the start of training
  bool apply_updates = true;  ///< false: a dry run, which changes no weight, state or statistic
};

/// Where one operation finds its arrays in this pass; null where it has none.
template <class T>
struct operands {
  std::size_t samples = 0;
  const T* input = nullptr;
  const T* skip = nullptr;
  T* output = nullptr;
  T* output_gradient = nullptr;
  T* input_gradient = nullptr;  ///< null where no earlier stage wants it
  T* skip_gradient = nullptr;
  T* saved = nullptr;                        ///< small values between forward and backward
  std::byte* parameter_gradients = nullptr;  ///< in the order of parameters(), each aligned as workspace does
  std::byte* scratch = nullptr;
};

/// One array of a layer that a model file holds: weight rows x columns. Statistics are not trainable.
template <class T>
struct parameter {
  const char* name;
  std::size_t rows;
  std::size_t columns;
  T* value;
  bool trainable;

  [[nodiscard]] std::size_t size() const { return rows * columns; }
};

namespace detail {

template <class S, class Backend>
concept is_made_for = std::is_constructible_v<S, Backend&, const operation&, random_stream>;

template <class R, class T>
concept parameter_range = requires(R&& range) {
  { *std::begin(range) } -> std::convertible_to<const parameter<T>&>;
  std::end(range);
};

}  // namespace detail

/// What scratch is asked for.
enum class phase { evaluate, learn, train, backward };

/// The defaults of a layer without parameters.
struct stateless {
  template <class Backend>
  static std::size_t scratch_bytes(const Backend&, const operation&, std::size_t, phase) {
    return 0;
  }
  static constexpr std::size_t saved(const operation&) { return 0; }
};

}  // namespace localis
