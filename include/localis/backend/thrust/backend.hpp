#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <localis/backend/concept.hpp>
#include <localis/backend/run_epilogue.hpp>
#include <localis/backend/run_reduction.hpp>
#include <localis/backend/step_runner.hpp>
#include <localis/backend/thrust/algorithm.hpp>
#include <localis/backend/thrust/depthwise.hpp>
#include <localis/backend/thrust/local_sums.hpp>
#include <localis/backend/thrust/loops.hpp>
#include <localis/backend/thrust/product.hpp>
#include <localis/backend/thrust/reductions.hpp>
#include <localis/backend/thrust/row_sums.hpp>
#include <localis/backend/thrust/system_convolution.hpp>
#include <localis/backend/thrust/unfolded.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/elementwise.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/launch.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::device {

/// A backend whose loops are launches, that is n independent calls of a function object, and whose products run in a
/// BLAS. It is the code that cuda and thrust_host share, and depends neither on cuBLAS nor on threads.
///
/// This class implements memory and loops. Responses, local rules and gradients of a linear map are computed by an
/// algorithm (algorithm.hpp), which is picked for each map: depthwise.hpp, system_convolution.hpp or unfolded.hpp. All
/// sums over rows are taken in chunks that depend only on the number of rows and are added in order (row_sums.hpp), so
/// that every run gives bitwise identical results.
///
/// `Operand` is the type to which X, W, gates and gradients are rounded in the products with X and W. Everything else
/// is stored, and every sum is taken, in Scalar.
///
/// `System` determines where arrays live and what executes loops and products:
///   memory                              a memory as described in core/memory.hpp
///   name                                name of the backend
///   array<T> allocate<T>(kind, n), upload(span, T*), download(const T*, span), copy(const T*, n, T*),
///   make_readback<T>(n)
///   launch(n, f)                        calls f(0) ... f(n - 1) in any order, after all work launched before
///   multiply(product)                   computes a product (product.hpp), after all work launched before
///   by_element                          whether a call takes one column of a row and neighbouring calls take
///                                       neighbouring columns. If so:
///   launch_teams(rows, lanes, f)        calls f(row, team) for rows 0 ... rows - 1, each with a team of so many lanes
///                                       (math/team.hpp), after all work launched before
///   run_blocks(n, reductions)           runs n blocks of kernel::one_reduction or kernel::several_reductions, after
///                                       all work launched before
///   block_counters()                    counters for one_reduction; otherwise:
///   stretch()                           the number of columns that a call takes
///   chunk_bytes()                       bytes of X that are unfolded at once
///   make_step_runner()                  as that of a backend; optional
///   counters(), threads(), instructions(), arithmetic()
///   convolves(map), ...                 convolutions, if it has any (system_convolution.hpp)
template <class Scalar, class System, class Operand = Scalar>
class backend {
 public:
  using scalar = Scalar;
  using system_type = System;
  using memory = typename System::memory;
  template <class T>
  using array = buffer<T, memory>;
  static constexpr const char* name = System::name;

  backend() = default;
  explicit backend(System system) : system_(std::move(system)) {}
  template <class Options>
  explicit backend(const Options& options) requires std::is_constructible_v<System, const Options&> : system_(options) {
  }

  [[nodiscard]] const System& system() const { return system_; }
  [[nodiscard]] std::size_t threads() const { return system_.threads(); }
  [[nodiscard]] memory_counters& counters() const { return system_.counters(); }
  [[nodiscard]] static std::string instructions() { return System::instructions(); }
  [[nodiscard]] std::string arithmetic() const { return system_.arithmetic(); }

  // Memory.

  template <class T>
  [[nodiscard]] array<T> allocate(memory_kind kind, std::size_t size) const {
    return system_.template allocate<T>(kind, size);
  }
  template <class T>
  void upload(std::span<const T> source, T* target) const {
    system_.upload(source, target);
  }
  /// Uploads a batch without waiting for it, where memory is not the host's (backend/cuda/context.hpp).
  template <class T>
  void upload_async(std::span<const T> source, T* target) const requires(!memory::host_accessible) {
    system_.upload_async(source, target);
  }
  template <class T>
  void download(const T* source, std::span<T> target) const {
    system_.download(source, target);
  }
  void copy(const Scalar* source, std::size_t size, Scalar* target) const { system_.copy(source, size, target); }
  template <class T>
  [[nodiscard]] auto make_readback(std::size_t size) const {
    return system_.template make_readback<T>(size);
  }

  // Loops.

  [[nodiscard]] std::size_t row_threads(std::size_t columns) const { return device::row_threads(system_, columns); }
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    device::for_rows(system_, rows, columns, f);
  }
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t work, std::size_t channels, const Kernel& f) const {
    if constexpr (System::by_element && requires { f.position(0u, 0u); }) {
      for_rows(samples * (work / channels), channels, kernel::by_position<Kernel>{f});
    } else {
      for_rows(samples, takes_whole_rows<Kernel> ? work : channels, f);
    }
  }
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      workspace scratch) const {
    row_sums<Scalar, System>(rows, columns, count, scratch)(system_, f, sums);
  }
  void reduce_scratch(std::size_t rows, std::size_t columns, std::size_t count, workspace& scratch) const {
    (void)row_sums<Scalar, System>(rows, columns, count, scratch);
  }

  template <kernel::reducing Kernel>
  void reduce(std::size_t size, std::size_t work, const Kernel& f, double* parts) const {
    if constexpr (System::by_element) {
      launch_reduction(system_, size, work, f, parts);
    } else {
      run_reduction(*this, size, work, f, parts);
    }
  }
  template <kernel::reducing Kernel>
  [[nodiscard]] auto make_reductions(memory_kind kind, std::span<const std::size_t> sizes) const {
    if constexpr (System::by_element) {
      return reductions_at_once<System, Kernel>(system_, kind, sizes);
    } else {
      return reductions_in_turn<backend, Kernel>(*this, kind, sizes);
    }
  }
  [[nodiscard]] auto make_step_runner() const {
    if constexpr (requires { system_.make_step_runner(); }) {
      return system_.make_step_runner();
    } else {
      return step_runner{};
    }
  }

  // Linear maps.

  template <class Epilogue = kernel::no_epilogue>
  void respond(const linear_map& map, const response_arguments<Scalar>& forward, workspace scratch,
               const Epilogue& epilogue = {}) const {
    if (forward.samples > 0) with_algorithm(map, [&](const auto& algorithm) { algorithm.respond(forward, scratch); });
    end_response(map, forward, scratch, epilogue);
  }
  void respond_scratch(const linear_map& map, std::size_t samples, workspace& scratch,
                       const epilogue_options& epilogue = {}) const {
    workspace alone = scratch;
    with_algorithm(map, [&](const auto& algorithm) { algorithm.respond_scratch(samples, scratch); });
    end_response_scratch(map, samples, epilogue, alone, scratch);
  }
  [[nodiscard]] static constexpr bool pools(const linear_map&) { return false; }

  template <class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const linear_map& map, const response_arguments<Scalar>& forward,
                         const learning_arguments<Scalar, Gate>& learn, workspace scratch,
                         const Epilogue& epilogue = {}) const {
    static_assert(std::is_trivially_copyable_v<Gate>, "localis: a gate is a trivially copyable function object");
    if (forward.samples == 0) {
      clear_sums(system_, map, learn.options, learn.sums);
      return end_response(map, forward, scratch, epilogue);
    }
    if constexpr (kernel::sums_with_epilogue<Epilogue, Gate>) {
      const bool gates_are_responses = learn.gate.passes_signals() && learn.options.signal == gate_signal::response &&
                                       learn.options.rows.every == 1 && learn.options.rows.first == 0;
      if (gates_are_responses && forward.bias == nullptr && epilogue.center != nullptr) {
        auto products = learn;
        products.sums.unit = nullptr;
        with_algorithm(map, [&](const auto& algorithm) { algorithm.respond_and_learn(forward, products, scratch); });
        end_learning(map, forward, learn, scratch, epilogue);
        return;
      }
    }
    with_algorithm(map, [&](const auto& algorithm) { algorithm.respond_and_learn(forward, learn, scratch); });
    end_response(map, forward, scratch, epilogue);
  }
  void learn_scratch(const linear_map& map, std::size_t samples, const learn_options& options, workspace& scratch,
                     const epilogue_options& epilogue = {}) const {
    workspace alone = scratch;
    with_algorithm(map, [&](const auto& algorithm) { algorithm.learn_scratch(samples, options, scratch); });
    end_response_scratch(map, samples, epilogue, alone, scratch, options.unit_sums);
  }

  void weight_gradient(const linear_map& map, const weight_gradient_arguments<Scalar>& backward,
                       workspace scratch) const {
    if (backward.samples > 0) {
      with_algorithm(map, [&](const auto& algorithm) { algorithm.weight_gradient(backward, scratch); });
    } else {
      for_rows(1, map.weights(), kernel::fill<Scalar>{backward.dw, Scalar(0)});
    }
    if (backward.db == nullptr) return;
    reduce_columns(map.rows(backward.samples), map.outputs(), 1, kernel::column_sums<Scalar>{backward.d, map.outputs()},
                   backward.db, scratch);
  }
  void weight_gradient_scratch(const linear_map& map, std::size_t samples, workspace& scratch) const {
    workspace bias = scratch;
    with_algorithm(map, [&](const auto& algorithm) { algorithm.weight_gradient_scratch(samples, scratch); });
    reduce_scratch(map.rows(samples), map.outputs(), 1, bias);
    scratch = larger(scratch, bias);
  }

  void input_gradient(const linear_map& map, const input_gradient_arguments<Scalar>& backward,
                      workspace scratch) const {
    if (backward.samples > 0) {
      with_algorithm(map, [&](const auto& algorithm) { algorithm.input_gradient(backward, scratch); });
    }
  }
  void input_gradient_scratch(const linear_map& map, std::size_t samples, workspace& scratch) const {
    with_algorithm(map, [&](const auto& algorithm) { algorithm.input_gradient_scratch(samples, scratch); });
  }

  void subtract_product(const product_arguments<Scalar>& given) const {
    multiply(system_, product<Scalar>{.rows = given.rows,
                                      .inner = given.inner,
                                      .columns = given.columns,
                                      .a = {given.a, given.inner},
                                      .b = {given.b, given.columns},
                                      .c = {given.c, given.columns},
                                      .alpha = Scalar(-1),
                                      .beta = Scalar(1)});
  }

 private:
  /// Calls f(algorithm) with the first algorithm below that takes `map`. A new algorithm is one more line here.
  template <class F>
  void with_algorithm(const linear_map& map, const F& f) const {
    if (run<depthwise_convolution<Scalar, System, Operand>>(map, f)) return;
    if constexpr (requires { system_.template convolves<Scalar>(map); }) {
      if (run<system_convolution<Scalar, System, Operand>>(map, f)) return;
    }
    run<unfolded_convolution<Scalar, System, Operand>>(map, f);
  }
  template <class Algorithm, class F>
  bool run(const linear_map& map, const F& f) const {
    static_assert(linear_algorithm<Algorithm, Scalar, System>);
    const Algorithm algorithm{map, system_};
    if (!algorithm.takes()) return false;
    f(algorithm);
    return true;
  }

  /// Completes a response: adds the bias and runs the epilogue.
  template <class Epilogue>
  void end_response(const linear_map& map, const response_arguments<Scalar>& forward, workspace scratch,
                    const Epilogue& epilogue) const {
    const std::size_t rows = map.rows(forward.samples);
    if (forward.bias != nullptr) {
      for_rows(rows, map.outputs(), kernel::add_to_rows<Scalar>{forward.u, forward.bias, map.outputs()});
    }
    run_epilogue(*this, rows, map.outputs(), forward.u, epilogue, scratch);
  }
  /// Completes a response, and takes the sums per unit of a rule in the same pass.
  template <class Gate, class Epilogue>
  void end_learning(const linear_map& map, const response_arguments<Scalar>& forward,
                    const learning_arguments<Scalar, Gate>& learn, workspace scratch, const Epilogue& epilogue) const {
    const std::size_t units = map.outputs();
    const std::size_t sums = 2 + learn.options.unit_sums;
    auto* totals = scratch.take<Scalar>(sums * units);
    reduce_columns(map.rows(forward.samples), units, sums,
                   kernel::epilogue_and_gate_sums<Scalar, Epilogue, Gate>{
                       {epilogue, forward.u, units}, learn.gate, totals, learn.sums.unit},
                   totals, scratch);
  }
  /// @param alone  workspace from before the algorithm took its scratch, which is free again when the response ends
  /// @param sums   number of sums per unit of a rule that may be taken in the same pass
  void end_response_scratch(const linear_map& map, std::size_t samples, const epilogue_options& epilogue,
                            workspace alone, workspace& scratch, std::size_t sums = 0) const {
    if (!epilogue.present) return;
    (void)alone.take<Scalar>((2 + sums) * map.outputs());
    reduce_scratch(map.rows(samples), map.outputs(), 2 + sums, alone);
    scratch = larger(scratch, alone);
  }

  System system_;
};

}  // namespace localis::device
