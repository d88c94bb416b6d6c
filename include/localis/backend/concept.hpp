#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/rows.hpp>
#include <localis/kernel/update.hpp>

namespace localis {

/// Sums of a local rule over the rows that it learns from, taken before any weight changes. Null: not wanted.
template <class T>
struct accumulators {
  T* sum;     ///< O x I: G^T X
  T* unit;    ///< k x O: what the gate adds per unit
  T* matrix;  ///< O x O: G^T G
  T* input;   ///< column sums of X: groups x I
};

/// Rows first, first + every, ... of X.
struct row_sample {
  std::size_t first = 0;
  std::size_t every = 1;

  [[nodiscard]] constexpr std::size_t count(std::size_t rows) const {
    return rows <= first ? 0 : (rows - first + every - 1) / every;
  }
};

/// What a pass that learns does besides G^T X; its scratch depends on it.
struct learn_options {
  std::size_t unit_sums = 1;     ///< k
  bool matrix = false;           ///< adds up G^T G
  bool inputs = false;           ///< adds up X
  bool reconstructs = false;     ///< the sum is G^T (X - G W)
  bool modulated = false;        ///< with matrix, reconstructs: G on the right is without the modulator
  bool sees_other = false;       ///< gates see another signal than the response
  bool responded = false;        ///< u is already there, without bias
  std::size_t active_gates = 0;  ///< gates of a row that are not 0, at most; 0: any number. The sum is then scattered
  row_sample rows{};
};

/// What follows a response in the same pass (kernel::epilogue): its scratch depends on it.
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
///   upload, download, copy                        between spans of the host and arrays, and within; download waits
///   make_readback<T>(n)                            n values that come to the host without a wait
///   (backend/host_backend.hpp) for_rows(rows, columns, f)                    f(row, begin, end) over contiguous
///   stretches of a row's columns, or
///                                                 f(row) where the kernel takes whole rows
///   row_threads(columns)                            calls that share a row where a kernel::row_split walks along it
///   for_samples(samples, work, channels, f)       the same where f takes a whole sample of `work` elements
///   reduce_columns(rows, columns, k, f, sums)     f(row, begin, end, sums) adds to k sums per column; deterministic
///   respond(map, samples, x, w, bias, u)          u = X W^T + b
///   respond_and_learn(..., gate, how, h, sums)    the same, and what a local rule sums in the same pass: gate is a
///                                                 kernel::gate, h the weights that gates see X through, or null for W
///                                                 Both take a kernel::epilogue last: u is then what it makes of the
///                                                 response, pooled only where pools(map) is true
///   subtract_product(rows, inner, columns, a, b, c)    c -= a b
///   weight_gradient(map, samples, x, d, dw, db)   dw = D^T X,  db = column sums of D
///   input_gradient(map, samples, d, w, dx)        dx = D W, folded back onto the input
///
/// Each verb that needs scratch takes a workspace; its twin `..._scratch` takes the same pieces from a measuring one.
template <class B>
concept backend = std::copy_constructible<B> &&
    requires(const B& b, const linear_map& map, std::size_t n, typename B::scalar* out, const typename B::scalar* in,
             workspace scratch, workspace& measure, memory_kind kind, accumulators<typename B::scalar> sums,
             const learn_options& options, const kernel::epilogue<typename B::scalar, identity_function>& epilogue,
             const epilogue_options& fused) {
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
  b.for_samples(n, n, n, detail::any_row_kernel{});
  b.reduce_columns(n, n, n, detail::any_column_kernel<typename B::scalar>{}, out, scratch);
  b.reduce_scratch(n, n, n, measure);
  { b.row_threads(n) } -> std::same_as<std::size_t>;
  b.respond(map, n, in, in, in, out, scratch);
  b.respond(map, n, in, in, in, out, scratch, epilogue);
  b.respond_scratch(map, n, measure, fused);
  b.respond_and_learn(map, n, in, in, in, out, detail::any_gate<typename B::scalar>{}, options, in, sums, scratch,
                      epilogue);
  b.learn_scratch(map, n, options, measure, fused);
  { B::pools(map) } -> std::same_as<bool>;
  b.subtract_product(n, n, n, in, in, out);
  b.weight_gradient(map, n, in, in, out, out, scratch);
  b.weight_gradient_scratch(map, n, measure);
  b.input_gradient(map, n, in, in, out, scratch);
  b.input_gradient_scratch(map, n, measure);
};

/// Many sums of a row's threads become a few (kernel::reduce_parts); returns how many. An even number stays even.
template <class Backend>
std::size_t reduce_parts(const Backend& backend, double* parts, std::size_t size, bool largest = false) {
  constexpr std::size_t few = 1024;
  if (size <= few) return size;
  backend.for_rows(few, 1, kernel::reduce_parts{parts, size, few, largest});
  return few;
}

/// What follows a response that is all there, on any backend.   u: rows x units
///
/// Where `then` takes moments: its scratch is that of reduce_columns over two sums.
template <class Backend, class Epilogue>
void run_epilogue(const Backend& backend, std::size_t rows, std::size_t units, typename Backend::scalar* u,
                  const Epilogue& epilogue, workspace scratch) {
  if constexpr (Epilogue::present) {
    const kernel::epilogue_rows<typename Backend::scalar, Epilogue> kernel{epilogue, u, units};
    if (epilogue.center == nullptr) {
      backend.for_rows(rows, units, kernel);
    } else {
      backend.reduce_columns(rows, units, 2, kernel, epilogue.moments, scratch);
    }
  }
}

}  // namespace localis
