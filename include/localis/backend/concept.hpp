#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>

#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/rows.hpp>

/// The contract between layers and rules on one side and backends on the other.
///
/// A linear_map determines P, O and I: X, the unfolded input, is P x I, W is O x I, and U is P x O. All matrices are
/// row-major. Arrays that a verb only reads may overlap or be the same array; an array that it writes must not overlap
/// any other.
namespace localis {

/// The arguments of `respond`: U = X W^T + b.
template <class T>
struct response_arguments {
  std::size_t samples;
  const T* x;               ///< the layer's input before unfolding, samples x map.in
  const T* w;               ///< weights, O x I
  const T* bias = nullptr;  ///< O values, or null for no bias
  T* u;                     ///< P x O; with an epilogue, the result of the epilogue, which is smaller if it pools
};

/// The arguments of `weight_gradient`: dW = D^T X, and db = the column sums of D.
template <class T>
struct weight_gradient_arguments {
  std::size_t samples;
  const T* x;       ///< the layer's input before unfolding, samples x map.in
  const T* d;       ///< gradient of U, P x O
  T* dw;            ///< gradient of W, O x I
  T* db = nullptr;  ///< gradient of the bias, O values, or null if it is not wanted
};

/// The arguments of `input_gradient`: dX = D W or dX += D W, as `mode` says, folded back onto the layer's input.
template <class T>
struct input_gradient_arguments {
  std::size_t samples;
  const T* d;  ///< gradient of U, P x O
  const T* w;  ///< weights, O x I
  T* dx;       ///< gradient of the layer's input, samples x map.in
  kernel::store mode = kernel::store::replace;
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

/// Selects rows first, first + every, first + 2 every, ... of X.
struct row_sample {
  std::size_t first = 0;
  std::size_t every = 1;

  [[nodiscard]] constexpr std::size_t count(std::size_t rows) const {
    return rows <= first ? 0 : (rows - first + every - 1) / every;
  }
};

/// The signal that a rule computes its gates from.
enum class gate_signal {
  response,     ///< U before the bias is added
  transformed,  ///< kernel::gate::see applied to U before the bias is added
  reweighted    ///< kernel::gate::see applied to X H^T
};

/// The sums that a learning pass takes for a rule whose units also forget along each other's weights, W -= (G^T G) W.
enum class mutual_forgetting {
  none,
  matrix,    ///< accumulators::matrix receives G^T G, whose product with W the caller subtracts
  remainder  ///< accumulators::sum receives G^T (X - G W) instead of G^T X
};

/// Options of a learning pass: what it computes besides G^T X. The size of its scratch memory depends on them.
struct learn_options {
  std::size_t unit_sums = 1;  ///< k, the number of sums per unit
  gate_signal signal = gate_signal::response;
  mutual_forgetting forgetting = mutual_forgetting::none;
  bool sums_inputs = false;        ///< whether accumulators::input is wanted
  bool is_modulated = false;       ///< whether gates are modulated, except the right-hand G of mutual forgetting
  bool response_is_given = false;  ///< whether U already holds the response without bias
  std::size_t active_gates = 0;    ///< bound on the nonzero gates of a row, which makes the sum a scatter; 0: no bound
  row_sample rows{};               ///< rows of X that the rule learns from
};

/// The sums of a local rule over the rows that it learns from, all computed with the weights before the update. Every
/// sum that is wanted is overwritten.
template <class T>
struct accumulators {
  T* sum = nullptr;     ///< G^T X, O x I
  T* unit = nullptr;    ///< sums per unit that kernel::gate::add accumulates, k x O
  T* matrix = nullptr;  ///< G^T G, O x O; only for mutual_forgetting::matrix
  T* input = nullptr;   ///< column sums of X, groups x I; only for learn_options::sums_inputs
};

/// The arguments of `respond_and_learn` in addition to those of the response. `Gate` is a kernel::gate.
template <class T, class Gate>
struct learning_arguments {
  Gate gate;
  learn_options options{};
  const T* h = nullptr;  ///< weights of the signal, O x I; only for gate_signal::reweighted
  accumulators<T> sums;
};

/// One of several reductions by kernels of one type.
template <class Kernel>
struct reduction_call {
  Kernel kernel;
  std::size_t size;  ///< number of calls
  std::size_t work;  ///< number of elements that a call processes
};

/// Describes the epilogue that follows a response in the same pass (kernel::epilogue). The size of the scratch memory
/// of the response depends on it.
struct epilogue_options {
  bool present = false;
  std::size_t pool = 1;
};

namespace detail {

/// Stand-ins for the kernels and gates that a backend runs, with which concepts are checked.
struct any_row_kernel {
  void operator()(std::size_t, std::size_t, std::size_t) const {}
};
template <class T>
struct any_column_kernel {
  void operator()(std::size_t, std::size_t, std::size_t, T*) const {}
};
struct any_reduction {
  static constexpr kernel::reduction kind = kernel::reduction::sum;
  std::array<double, 1> operator()(std::size_t) const { return {}; }
  void finish(const std::array<double, 1>&) const {}
};
struct any_body {
  void operator()() const {}
};
template <class T>
struct any_gate {
  static constexpr bool whole_rows = true;
  static constexpr bool selects = true;
  static constexpr bool takes_teams = false;
  void see(std::size_t, std::size_t, const T*, T*) const {}
  void open(std::size_t, std::size_t, std::size_t, const T*, T*, T*) const {}
  void add(std::size_t, std::size_t, const T*, const T*, T*) const {}
};

}  // namespace detail

/// A backend determines where arrays live and how loops and matrix products run. It is a cheap handle: copies share the
/// memory and its counters, so that a memory report covers all models on them. Models on copies of a backend in host
/// memory may be used by one thread each; the streams and handles of a device serve one thread at a time, so that each
/// thread needs a backend of its own. All extents are run-time values, and all pointers point into the backend's
/// memory.
///
/// Memory:
///   allocate<T>(kind, n)          returns an array of n values, counted under `kind`
///   upload(span, target)          copies from the host, which may change the span as soon as the call returns
///   download(source, span)        copies to the host; returns when the values have arrived
///   copy(source, n, target)       copies within the backend's memory
///   make_readback<T>(n)           returns a readback, whose download_async(source) sends n values to the host
///   upload_async(span, target)    exists only where memory is not the host's (backend/cuda/context.hpp)
///
/// Loops over independent calls:
///   for_rows(rows, columns, f)    f(row, begin, end) over contiguous stretches of a row's columns, or f(row) if the
///                                 kernel takes whole rows, which a team may share (kernel/team.hpp)
///   row_threads(columns)          the number of calls that share a row if a kernel::row_split iterates over it
///   for_samples(samples, work, channels, f)    like for_rows, but f processes a whole sample of `work` elements
///   reduce_columns(rows, columns, k, f, sums, scratch)    f(row, begin, end, sums) adds to k sums per column, which
///                                 start at 0: k x columns; then f.finish(begin, end), if there is such a function,
///                                 over columns whose sums are complete; scratch: reduce_scratch
///   reduce(size, work, f, parts)  f(i), which processes `work` elements, returns numbers, and f.finish(numbers) gets
///                                 their sums or maxima (kernel/reduction.hpp); parts: scratch of size x numbers
///   make_reductions<Kernel>(kind, sizes)    returns an object whose run(backend, calls) runs several reductions with
///                                 kernels of one type, at once where that is faster
///   make_step_runner()            returns an object whose call (kind, samples, body) calls body(), which issues the
///                                 work of a training step of some kind (such as its boundary): no download() and no
///                                 memory that it frees. A device may collect that work and start it as one
///
/// Linear maps:
///   respond(map, response, scratch, epilogue)    computes a response; the epilogue is optional; scratch:
///                                 respond_scratch
///   respond_and_learn(map, response, learning, scratch, epilogue)    computes a response and, in the same pass, the
///                                 sums of a local rule, whose gates see the response before bias and epilogue;
///                                 scratch: learn_scratch
///   pools(map)                    whether the epilogue of a response may pool
///   weight_gradient(map, arguments, scratch)     scratch: weight_gradient_scratch
///   input_gradient(map, arguments, scratch)      scratch: input_gradient_scratch
///   subtract_product(arguments)                  needs no scratch
///
/// There may be no samples where a rank's part of a batch is empty: sums over rows are 0 then.
///
/// Every verb except download() may return before its work is done; verbs take effect in the order of their calls.
/// Names that end in `_async` denote copies between host and backend that the caller does not wait for: read() of a
/// readback waits for its values, and upload_async() may overlap work that was issued before it.
///
/// Sums over rows are added in an order that depends on the extents, the options of the backend and its number of
/// threads, but never on timing: the same calls give bitwise identical results. Those of reduce_columns do not depend
/// on the number of threads either.
///
/// The `_scratch` function of a verb takes from a measuring workspace the same pieces that the verb takes from its own.
template <class B>
concept backend = std::copy_constructible<B> &&
    requires(const B& b, const linear_map& map, std::size_t n, typename B::scalar* out, const typename B::scalar* in,
             workspace scratch, workspace& measure, memory_kind kind, const learn_options& options, double* parts,
             std::span<const std::size_t> sizes, const response_arguments<typename B::scalar>& response,
             const learning_arguments<typename B::scalar, detail::any_gate<typename B::scalar>>& learning,
             const weight_gradient_arguments<typename B::scalar>& weight_gradient,
             const input_gradient_arguments<typename B::scalar>& input_gradient,
             const product_arguments<typename B::scalar>& product,
             const kernel::epilogue<typename B::scalar, identity_function>& epilogue, const epilogue_options& fused) {
  typename B::scalar;
  { B::name } -> std::convertible_to<const char*>;
  { B::instructions() } -> std::convertible_to<std::string>;
  { b.arithmetic() } -> std::convertible_to<std::string>;
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
  b.reduce(n, n, detail::any_reduction{}, parts);
  b.template make_reductions<detail::any_reduction>(kind, sizes)
      .run(b, std::span<const reduction_call<detail::any_reduction>>());
  b.make_step_runner()(n, n, detail::any_body{});

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
