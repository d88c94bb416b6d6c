#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/algorithm.hpp>
#include <localis/backend/cpu/bfloat16_products.hpp>
#include <localis/backend/cpu/dense.hpp>
#include <localis/backend/cpu/depthwise.hpp>
#include <localis/backend/cpu/direct.hpp>
#include <localis/backend/cpu/gemm.hpp>
#include <localis/backend/cpu/packet.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/backend/cpu/resources.hpp>
#include <localis/backend/cpu/unfolded.hpp>
#include <localis/backend/cpu/winograd.hpp>
#include <localis/backend/host_backend.hpp>
#include <localis/backend/run_epilogue.hpp>
#include <localis/backend/run_reduction.hpp>
#include <localis/backend/step_runner.hpp>
#include <localis/config.hpp>
#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/fwd.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

struct options {
  std::size_t threads = 0;  ///< number of threads; 0: as many as OpenMP would use
  /// Bytes of input, framed or unfolded, that a thread works on at once. A fixed number rather than a cache size asked
  /// of the machine: results then depend on the thread count alone. 256 KiB leave half of an L2 of 512 KiB, or all but
  /// an eighth of one of 2 MiB, to weights and results; smaller tiles copy more lines twice, which neighbouring windows
  /// share. Measured with AVX2 (bench_layer, bench_step): with 128 and 512 KiB, times differ by less than runs do.
  std::size_t tile_bytes = std::size_t{256} * 1024;
  /// Less work than this many elements, or 16 times as many multiply-adds, stays on one thread. The default is a few
  /// microseconds of work, about what it costs to wake the threads and to wait for them; with a
  /// quarter and four times as many, times differ by less than runs do (bench_layer, two threads).
  std::size_t grain = 16384;
  /// How convolutions by plain 3 x 3 windows are computed in float.
  cpu::convolution convolution = cpu::convolution::fast;
  /// How all other products of floats are computed. `bfloat16` needs a processor with AVX512_BF16, and code that is
  /// compiled for it (-march=native).
  cpu::precision precision = cpu::precision::float32;
};

/// The CPU backend: arrays in host memory, products in vector registers, loops and tiles over OpenMP threads.
///
/// This class implements memory, loops and reductions. Responses, local rules and gradients of a linear map are
/// computed by an algorithm (algorithm.hpp), which is picked for each map: depthwise.hpp, dense.hpp, winograd.hpp,
/// direct.hpp or unfolded.hpp. None of them unfolds the whole input of a convolution at once. Results depend on the
/// number of threads, because partial weight products are added in the order of threads, but not on timing. Copies
/// share the memory counters.
template <class Scalar>
class backend : public host_backend {
 public:
  using scalar = Scalar;
  static constexpr const char* name = "cpu";

  backend() : backend(options{}) {}
  explicit backend(const options& chosen)
      : resources_{chosen.threads == 0 ? available_threads() : chosen.threads, chosen.tile_bytes, chosen.grain,
                   chosen.convolution, chosen.precision} {
    expect(resources_.threads <= 4096, "cpu::options: threads", "at most 4096", resources_.threads);
    expect(resources_.tile_bytes >= 1024, "cpu::options: tile_bytes", "at least 1024", resources_.tile_bytes);
    if (resources_.precision == precision::bfloat16) check_bfloat16();
  }

  [[nodiscard]] std::size_t threads() const { return resources_.threads; }
  /// Returns the vector instructions that products use, such as "AVX-512".
  [[nodiscard]] static std::string instructions() { return direct::instructions; }
  /// Returns how convolutions and other products are computed, such as "fast convolution".
  [[nodiscard]] std::string arithmetic() const {
    std::string convolutions = "convolution with small errors";
    if (resources_.convolution == convolution::fast) convolutions = "fast convolution";
    if (std::is_same_v<Scalar, double> || resources_.convolution == convolution::direct) {
      convolutions = "direct convolution";
    }
    return resources_.precision == precision::float32 ? convolutions : convolutions + ", other products in bfloat16";
  }

  // Memory.

  void copy(const Scalar* source, std::size_t size, Scalar* target) const {
    parallel_for(resources_.threads_for(size), [&](std::size_t thread) {
      const range part = part_of(size, thread, resources_.threads_for(size));
      std::copy(source + part.begin, source + part.end, target + part.begin);
    });
  }

  // Loops.

  [[nodiscard]] static constexpr std::size_t row_threads(std::size_t) { return 1; }
  /// Calls f(row, 0, columns) for each row; the rows must be independent of each other.
  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    for_samples(rows, columns, columns, f);
  }
  /// Calls f(sample, 0, channels) for each sample, which counts as `work` elements of work.
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t work, std::size_t channels, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    const std::size_t threads = (std::min)(samples, resources_.threads_for(samples * work));
    parallel_for(threads, [&, kernel = f](std::size_t thread) {
      const range part = part_of(samples, thread, threads);
      for (std::size_t row = part.begin; row < part.end; ++row) run_row(kernel, row, channels);
    });
  }

  /// sums[k][c] = sum over rows of what f(row, 0, columns, sums) adds. Rows are cut into chunks that depend on `rows`
  /// alone, and the chunks' sums added in order: the same bytes on any number of threads. A few rows are added up in
  /// Scalar, all else in double: the error of a sum in float grows with its terms, and the conversion to double is paid
  /// once in 32 rows. With 8 and with 128 rows, sums of 16 to 256 columns differ in time by less than runs do (AVX2).
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      workspace scratch) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    constexpr std::size_t few_rows = 32;
    const std::size_t chunks = chunks_of(rows);
    const std::size_t size = count * columns;
    const std::size_t threads = (std::min)(chunks, resources_.threads_for(rows * columns));
    const reduce_arrays arrays = take_reduce_arrays(rows, columns, count, scratch);
    parallel_for(threads, [&, kernel = f](std::size_t thread) {
      const range chunk_part = part_of(chunks, thread, threads);
      Scalar* part = arrays.parts + thread * size;
      for (std::size_t chunk = chunk_part.begin; chunk < chunk_part.end; ++chunk) {
        double* total = arrays.chunks + chunk * size;
        std::fill(total, total + size, 0.0);
        const range stretch = part_of(rows, chunk, chunks);
        for (std::size_t first = stretch.begin; first < stretch.end; first += few_rows) {
          std::fill(part, part + size, Scalar(0));
          const std::size_t last = (std::min)(first + few_rows, stretch.end);
          for (std::size_t row = first; row < last; ++row) kernel(row, 0, columns, part);
          LOCALIS_VECTORIZE
          for (std::size_t i = 0; i < size; ++i) total[i] += static_cast<double>(part[i]);
        }
      }
    });
    for (std::size_t i = 0; i < size; ++i) {
      double sum = 0;
      for (std::size_t chunk = 0; chunk < chunks; ++chunk) sum += arrays.chunks[chunk * size + i];
      sums[i] = static_cast<Scalar>(sum);
    }
    kernel::finish_columns(f, 0, columns);
  }
  [[gnu::cold]] void reduce_scratch(std::size_t rows, std::size_t columns, std::size_t count,
                                    workspace& scratch) const {
    (void)take_reduce_arrays(rows, columns, count, scratch);
  }

  template <kernel::reducing Kernel>
  void reduce(std::size_t size, std::size_t work, const Kernel& f, double* parts) const {
    run_reduction(*this, size, work, f, parts);
  }
  template <kernel::reducing Kernel>
  [[nodiscard]] auto make_reductions(memory_kind kind, std::span<const std::size_t> sizes) const {
    return reductions_in_turn<backend, Kernel>(*this, kind, sizes);
  }
  [[nodiscard]] static step_runner make_step_runner() { return {}; }

  // Linear maps.

  template <class Map, class Epilogue = kernel::no_epilogue>
  void respond(const Map& map, const response_arguments<Scalar>& forward, workspace scratch,
               const Epilogue& epilogue = {}) const {
    if (forward.samples == 0) return end_empty(map.outputs(), epilogue);
    with_algorithm<Map::kind>(map, resources_, [&](const auto& algorithm) {
      algorithm.respond(forward, scratch, epilogue);
      end_response(algorithm, forward, scratch, epilogue);
    });
  }
  template <class Map>
  [[gnu::cold]] void respond_scratch(const Map& map, std::size_t samples, workspace& scratch,
                                     const epilogue_options& epilogue = {}) const {
    with_algorithm<Map::kind>(map, resources_, [&](const auto& algorithm) {
      workspace alone = scratch;
      algorithm.respond_scratch(epilogue, scratch);
      end_response_scratch(algorithm, samples, epilogue, alone, scratch);
    });
  }
  [[nodiscard]] static constexpr bool pools(const linear_map& map) {
    bool fused = false;
    // Algorithms of the same map pool alike, whatever the options are.
    with_algorithm<map_kind::any>(map, resources{.convolution = convolution::direct},
                                  [&](const auto& algorithm) { fused = algorithm.fuses_pooling; });
    return fused;
  }

  template <class Map, class Gate, class Epilogue = kernel::no_epilogue>
  void respond_and_learn(const Map& map, const response_arguments<Scalar>& forward,
                         const learning_arguments<Scalar, Gate>& learn, workspace scratch,
                         const Epilogue& epilogue = {}) const {
    static_assert(std::is_trivially_copyable_v<Gate>, "localis: a gate is a trivially copyable function object");
    if (forward.samples == 0) {
      clear(map, learn.options, learn.sums);
      return end_empty(map.outputs(), epilogue);
    }
    with_algorithm<Map::kind>(map, resources_, [&](const auto& algorithm) {
      algorithm.respond_and_learn(forward, learn, scratch, epilogue);
      end_response(algorithm, forward, scratch, epilogue);
    });
  }
  template <class Map>
  [[gnu::cold]] void learn_scratch(const Map& map, std::size_t samples, const learn_options& options,
                                   workspace& scratch, const epilogue_options& epilogue = {}) const {
    with_algorithm<Map::kind>(map, resources_, [&](const auto& algorithm) {
      workspace alone = scratch;
      algorithm.learn_scratch(samples, options, epilogue, scratch);
      end_response_scratch(algorithm, samples, epilogue, alone, scratch);
    });
  }

  template <class Map>
  void weight_gradient(const Map& map, const weight_gradient_arguments<Scalar>& backward, workspace scratch) const {
    if (backward.samples == 0) return clear(map, backward);
    with_algorithm<Map::kind>(map, resources_,
                              [&](const auto& algorithm) { algorithm.weight_gradient(backward, scratch); });
  }
  template <class Map>
  [[gnu::cold]] void weight_gradient_scratch(const Map& map, std::size_t, workspace& scratch) const {
    with_algorithm<Map::kind>(map, resources_,
                              [&](const auto& algorithm) { algorithm.weight_gradient_scratch(scratch); });
  }

  template <class Map>
  void input_gradient(const Map& map, const input_gradient_arguments<Scalar>& backward, workspace scratch) const {
    if (backward.samples == 0) return;
    with_algorithm<Map::kind>(map, resources_,
                              [&](const auto& algorithm) { algorithm.input_gradient(backward, scratch); });
  }
  template <class Map>
  [[gnu::cold]] void input_gradient_scratch(const Map& map, std::size_t, workspace& scratch) const {
    with_algorithm<Map::kind>(map, resources_,
                              [&](const auto& algorithm) { algorithm.input_gradient_scratch(scratch); });
  }

  void subtract_product(const product_arguments<Scalar>& product) const {
    resources_.split_columns(product.rows * product.inner, product.columns, [&](range part) {
      subtract_ab<Scalar>(rows_of(product.a, product.rows, product.inner),
                          {product.b + part.begin, product.inner, part.size(), product.columns},
                          {product.c + part.begin, product.rows, part.size(), product.columns});
    });
  }

 private:
  /// Throws an error unless products can be computed in bfloat16.
  [[gnu::cold]] static void check_bfloat16() {
    const char* reason = nullptr;
    if (!bfloat16::is_present()) reason = "this processor has no AVX512_BF16";
    if (!bfloat16::is_compiled<float>)
      reason = "compiled without AVX512_BF16: -march=native on a processor that has it";
    if (std::is_same_v<Scalar, double>) reason = "scalars are doubles";
    if (reason == nullptr) return;
    throw config_error(std::string("cpu::options: precision: expected float32 (") + reason + "), found bfloat16");
  }
  /// Calls f(algorithm) with the first algorithm below that takes `map`. Those that no map of its kind can need are not
  /// compiled. A new algorithm is one more line here.
  template <map_kind Kind, class F>
  static constexpr void with_algorithm(const linear_map& map, const resources& available, const F& f) {
    const auto try_one = [&]<class Algorithm>(std::type_identity<Algorithm>) {
      if (!Algorithm::takes(map, available)) return false;
      f(Algorithm{map, available});
      return true;
    };
    constexpr auto may_be = [](auto... kinds) { return Kind == map_kind::any || ((Kind == kinds) || ...); };
    if constexpr (may_be(map_kind::grouped)) {
      if (try_one(std::type_identity<depthwise_convolution<Scalar>>{})) return;
    }
    if constexpr (may_be(map_kind::dense, map_kind::pointwise)) {
      if (try_one(std::type_identity<dense_product<Scalar>>{})) return;
    }
    if constexpr (may_be(map_kind::plain_3x3) && std::is_same_v<Scalar, float>) {
      if (try_one(std::type_identity<winograd_convolution<Scalar>>{})) return;
    }
    if constexpr (may_be(map_kind::pointwise, map_kind::convolution, map_kind::plain_3x3)) {
      if (try_one(std::type_identity<direct_convolution<Scalar>>{})) return;
    }
    if constexpr (may_be(map_kind::grouped)) try_one(std::type_identity<unfolded_convolution<Scalar>>{});
  }

  // What the verbs leave behind if there are no samples.

  [[gnu::cold]] static void clear(const linear_map& map, const learn_options& options,
                                  const accumulators<Scalar>& sums) {
    std::fill_n(sums.sum, map.weights(), Scalar(0));
    std::fill_n(sums.unit, options.unit_sums * map.outputs(), Scalar(0));
    if (options.forgetting == mutual_forgetting::matrix) {
      std::fill_n(sums.matrix, map.outputs() * map.outputs(), Scalar(0));
    }
    if (options.sums_inputs) std::fill_n(sums.input, map.seen(), Scalar(0));
  }
  [[gnu::cold]] static void clear(const linear_map& map, const weight_gradient_arguments<Scalar>& backward) {
    std::fill_n(backward.dw, map.weights(), Scalar(0));
    if (backward.db != nullptr) std::fill_n(backward.db, map.outputs(), Scalar(0));
  }
  template <class Epilogue>
  [[gnu::cold]] static void end_empty(std::size_t units, const Epilogue& epilogue) {
    if constexpr (Epilogue::present) {
      if (epilogue.center == nullptr) return;
      std::fill_n(epilogue.moments, 2 * units, Scalar(0));
      epilogue.finish(0, units);
    }
  }

  /// Runs the epilogue over all of U, unless the algorithm has run it on tiles.
  template <class Algorithm, class Epilogue>
  void end_response(const Algorithm& algorithm, const response_arguments<Scalar>& forward, workspace scratch,
                    const Epilogue& epilogue) const {
    if constexpr (!Algorithm::fuses_epilogue) {
      run_epilogue(*this, algorithm.map.rows(forward.samples), algorithm.map.outputs(), forward.u, epilogue, scratch);
    }
  }
  /// @param alone  workspace from before the algorithm took its scratch, which is free again when the response ends
  template <class Algorithm>
  [[gnu::cold]] void end_response_scratch(const Algorithm& algorithm, std::size_t samples,
                                          const epilogue_options& options, workspace alone, workspace& scratch) const {
    if (Algorithm::fuses_epilogue || !options.present) return;
    reduce_scratch(algorithm.map.rows(samples), algorithm.map.outputs(), 2, alone);
    if (alone.used() > scratch.used()) scratch = alone;
  }

  /// Chunks of 256 rows: a chunk's sums are then a small part of its work. At most 64 of them, because the chunks' sums
  /// are kept and added up by one thread; more threads than that add no speed. The count must not depend on the
  /// threads. Measured on two threads (bench_step): with half and twice these numbers, times differ
  /// by less than runs do.
  [[nodiscard]] static std::size_t chunks_of(std::size_t rows) {
    return std::clamp<std::size_t>((rows + 255) / 256, 1, 64);
  }
  struct reduce_arrays {
    double* chunks;  ///< sums of each chunk
    Scalar* parts;   ///< sums of each thread over a few rows
  };
  [[nodiscard]] reduce_arrays take_reduce_arrays(std::size_t rows, std::size_t columns, std::size_t count,
                                                 workspace& scratch) const {
    return {scratch.take<double>(chunks_of(rows) * count * columns),
            scratch.take<Scalar>(resources_.threads * count * columns)};
  }

  resources resources_;
};

static_assert(localis::backend<backend<double>>);

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
