#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>

#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>

/// The contract between layers and rules on one side and backends on the other.
///
/// A linear_map says what P, O and I are: X is P x I, the unfolded input, W is O x I, and U is P x O. Matrices are
/// row-major. Arrays that a verb only reads may be one array or overlap; an array that it writes overlaps no other.
namespace localis {

/// The arguments of `respond`: U = X W^T + b.
template <class T>
struct response_arguments {
  std::size_t samples;
  const T* x;               ///< the layer's input, samples x map.in; not unfolded
  const T* w;               ///< O x I
  const T* bias = nullptr;  ///< O values; null: no bias
  T* u;                     ///< P x O; with an epilogue, its result, which is smaller if the epilogue pools
};

/// The arguments of `weight_gradient`: dW = D^T X, and db = the column sums of D.
template <class T>
struct weight_gradient_arguments {
  std::size_t samples;
  const T* x;       ///< the layer's input, samples x map.in
  const T* d;       ///< gradient of U, P x O
  T* dw;            ///< O x I
  T* db = nullptr;  ///< O values; null: not wanted
};

/// The arguments of `input_gradient`: dX = D W, folded back onto the layer's input.
template <class T>
struct input_gradient_arguments {
  std::size_t samples;
  const T* d;  ///< gradient of U, P x O
  const T* w;  ///< O x I
  T* dx;       ///< samples x map.in
};

/// The arguments of `subtract_product`: C -= A B.
template <class T>
struct product_arguments {
  std::size_t rows;
  std::size_t inner;
  std::size_t columns;
  const T* a;  ///< rows x inner
  const T* b;  ///< inner x columns
  T* c;        ///< rows x columns
};

/// Rows first, first + every, ... of X.
struct row_sample {
  std::size_t first = 0;
  std::size_t every = 1;

  [[nodiscard]] constexpr std::size_t count(std::size_t rows) const {
    return rows <= first ? 0 : (rows - first + every - 1) / every;
  }
};

/// The signal that the gates of a rule see.
enum class gate_signal {
  response,     ///< U without bias
  transformed,  ///< what kernel::gate::see makes of U without bias
  reweighted    ///< what kernel::gate::see makes of X H^T
};

/// What a pass that learns sums for a rule whose units forget by each other's weights, W -= (G^T G) W.
enum class mutual_forgetting {
  none,
  matrix,    ///< accumulators::matrix gets G^T G, whose product with W the caller subtracts
  remainder  ///< accumulators::sum gets G^T (X - G W) in place of G^T X
};

/// What a pass that learns does besides G^T X. Its scratch memory depends on it.
struct learn_options {
  std::size_t unit_sums = 1;  ///< k, the number of sums per unit
  gate_signal signal = gate_signal::response;
  mutual_forgetting forgetting = mutual_forgetting::none;
  bool sums_inputs = false;        ///< accumulators::input is wanted
  bool is_modulated = false;       ///< gates have a modulator, but not the right G in products of mutual forgetting
  bool response_is_given = false;  ///< U holds the response without bias already, and is not computed
  std::size_t active_gates = 0;    ///< the most gates of a row that are not 0; 0: any number. The sum is then scattered
  row_sample rows{};               ///< the rows that the rule learns from
};

/// The sums of a local rule over the rows that it learns from, from before any weight changes. All that are wanted are
/// overwritten.
template <class T>
struct accumulators {
  T* sum = nullptr;     ///< G^T X, O x I
  T* unit = nullptr;    ///< what the gate adds per unit, k x O
  T* matrix = nullptr;  ///< G^T G, O x O; for mutual_forgetting::matrix
  T* input = nullptr;   ///< column sums of X, groups x I; for learn_options::sums_inputs
};

/// The arguments of `respond_and_learn` besides those of the response. `Gate` is a kernel::gate.
template <class T, class Gate>
struct learning_arguments {
  Gate gate;
  learn_options options{};
  const T* h = nullptr;  ///< O x I, for gate_signal::reweighted
  accumulators<T> sums;
};

/// What follows a response in the same pass (kernel::epilogue). Its scratch memory depends on it.
struct epilogue_options {
  bool present = false;
  std::size_t pool = 1;
};

namespace detail {

/// Stand-ins for what a backend runs.
struct any_row_kernel {
  void operator()(std::size_t, std::size_t, std::size_t) const {}
};
template <class T>
struct any_column_kernel {
  void operator()(std::size_t, std::size_t, std::size_t, T*) const {}
};
template <class T>
struct any_gate {
  static constexpr bool whole_rows = true;
  void see(std::size_t, std::size_t, const T*, T*) const {}
  void open(std::size_t, std::size_t, std::size_t, const T*, T*, T*) const {}
  void add(std::size_t, std::size_t, const T*, const T*, T*) const {}
};

}  // namespace detail

/// Where arrays live and how loops and matrix products run. A backend is a cheap handle: copies share the memory and
/// its counters, so that a report of memory has what all models on them hold. Models on copies of a backend that works
/// in the host's memory may be used by a thread each; a device's streams and handles are one thread's at a time, so
/// that threads want a backend each. All extents are run-time values; all pointers are into the backend's memory.
///
/// Memory:
///   allocate<T>(kind, n)          an array of n values, counted under `kind`
///   upload(span, target)          from the host, which may change the span at once
///   download(source, span)        to the host; returns when the values are there
///   copy(source, n, target)       within the backend's memory
///   make_readback<T>(n)           n values that download_async(source) brings to the host later
///   upload_async(span, target)    only where memory is not the host's (backend/cuda/context.hpp)
///
/// Loops, over calls that do not depend on each other:
///   for_rows(rows, columns, f)    f(row, begin, end) over contiguous stretches of a row's columns, or f(row) where
///                                 the kernel takes whole rows
///   row_threads(columns)          the number of calls that share a row where a kernel::row_split walks along it
///   for_samples(samples, work, channels, f)    as for_rows, where f takes a whole sample of `work` elements
///   reduce_columns(rows, columns, k, f, sums, scratch)    f(row, begin, end, sums) adds to k sums per column, which
///                                 begin at 0: k x columns; scratch: reduce_scratch
///
/// Linear maps:
///   respond(map, response, scratch, epilogue)    the epilogue is optional; scratch: respond_scratch
///   respond_and_learn(map, response, learning, scratch, epilogue)    the same, and in the same pass the sums of a
///                                 local rule, whose gates see the response before bias and epilogue; scratch:
///                                 learn_scratch
///   pools(map)                    whether the epilogue of a response may pool
///   weight_gradient(map, arguments, scratch)     scratch: weight_gradient_scratch
///   input_gradient(map, arguments, scratch)      scratch: input_gradient_scratch
///   subtract_product(arguments)                  no scratch
///
/// A verb may return before it has run, except download(); all run in the order of their calls. Names that end in
/// `_async` are copies between host and backend for which nothing waits: read() of a readback waits for its values, and
/// upload_async() may run beside what was called before it.
///
/// Sums over rows are added in an order that depends on the extents, the options of the backend and its number of
/// threads, never on timing: the same calls give the same bytes. reduce_columns does not depend on the threads either.
///
/// The scratch twin of a verb takes the same pieces from a workspace that measures as the verb takes from its own.
template <class B>
concept backend = std::copy_constructible<B> &&
    requires(const B& b, const linear_map& map, std::size_t n, typename B::scalar* out, const typename B::scalar* in,
             workspace scratch, workspace& measure, memory_kind kind, const learn_options& options,
             const response_arguments<typename B::scalar>& response,
             const learning_arguments<typename B::scalar, detail::any_gate<typename B::scalar>>& learning,
             const weight_gradient_arguments<typename B::scalar>& weight_gradient,
             const input_gradient_arguments<typename B::scalar>& input_gradient,
             const product_arguments<typename B::scalar>& product,
             const kernel::epilogue<typename B::scalar, identity_function>& epilogue, const epilogue_options& fused) {
  typename B::scalar;
  { B::name } -> std::convertible_to<const char*>;
  { B::instructions() } -> std::convertible_to<std::string>;
  { b.threads() } -> std::convertible_to<std::size_t>;
  { b.counters() } -> std::same_as<memory_counters&>;

  { b.template allocate<double>(kind, n) } -> std::same_as<typename B::template array<double>>;
  b.upload(std::span<const typename B::scalar>(in, n), out);
  b.download(in, std::span<typename B::scalar>(out, n));
  b.copy(in, n, out);
  b.template make_readback<double>(n);

  b.for_rows(n, n, detail::any_row_kernel{});
  { b.row_threads(n) } -> std::same_as<std::size_t>;
  b.for_samples(n, n, n, detail::any_row_kernel{});
  b.reduce_columns(n, n, n, detail::any_column_kernel<typename B::scalar>{}, out, scratch);
  b.reduce_scratch(n, n, n, measure);

  b.respond(map, response, scratch);
  b.respond(map, response, scratch, epilogue);
  b.respond_scratch(map, n, measure, fused);
  b.respond_and_learn(map, response, learning, scratch, epilogue);
  b.learn_scratch(map, n, options, measure, fused);
  { B::pools(map) } -> std::same_as<bool>;
  b.weight_gradient(map, weight_gradient, scratch);
  b.weight_gradient_scratch(map, n, measure);
  b.input_gradient(map, input_gradient, scratch);
  b.input_gradient_scratch(map, n, measure);
  b.subtract_product(product);
};

}  // namespace localis
