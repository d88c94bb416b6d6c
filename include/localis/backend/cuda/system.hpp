#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <localis/backend/cuda/context.hpp>
#include <localis/backend/cuda/graph_steps.hpp>
#include <localis/backend/thrust/backend.hpp>

namespace localis::cuda {

/// A few values that the device sends to pinned host memory without the host waiting for them.
template <class T>
class readback {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  readback(std::shared_ptr<context> owner, std::size_t size) : context_(std::move(owner)), size_(size) {}

  void download_async(const T* source) { context_->download_async(source, size_ * sizeof(T), place_); }
  [[nodiscard]] bool ready() const { return place_.copied().reached(); }
  /// Returns the values of the last download, after waiting for them.
  [[nodiscard]] std::span<const T> read() const {
    place_.copied().wait();
    return {static_cast<const T*>(place_.data()), size_};
  }

 private:
  std::shared_ptr<context> context_;
  pinned place_;
  std::size_t size_;
};

/// The System of the GPU backend (thrust/backend.hpp): launches by `Executor` on the stream of a context, and products
/// by cuBLAS.
///
///   Executor{}(stream, n, f)    queues f(0) ... f(n - 1) on the stream, in any order; throws device_error
///   Executor{}.run_teams(stream, rows, lanes, f)    queues f(row, team) with a team of so many lanes for each row
///   Executor{}.run_blocks(stream, n, reductions)    queues the n blocks of reductions (kernel/reduction.hpp)
template <class Executor>
class system {
 public:
  using memory = context;
  static constexpr const char* name = "cuda";
  static constexpr bool by_element = true;  // neighbouring elements of a row go to neighbouring threads of a warp

  system() : system(options{}) {}
  explicit system(const options& chosen) : context_(std::make_shared<context>(chosen)) {}

  [[nodiscard]] std::size_t chunk_bytes() const { return context_->chosen().chunk_bytes; }
  [[nodiscard]] std::size_t threads() const { return 1; }
  [[nodiscard]] memory_counters& counters() const { return context_->counters(); }
  [[nodiscard]] static std::string instructions() { return "CUDA"; }
  [[nodiscard]] std::string arithmetic() const {
    switch (context_->chosen().precision) {
      case math::tf32:
        return "products in TF32";
      case math::bf16:
        return "products in bfloat16";
      case math::pedantic:
        break;
    }
    return "products in full precision";
  }

  [[nodiscard]] const std::shared_ptr<context>& shared_context() const { return context_; }

  template <class T>
  [[nodiscard]] buffer<T, context> allocate(memory_kind kind, std::size_t size) const {
    return {context_, kind, size};
  }
  template <class T>
  void upload(std::span<const T> source, T* target) const {
    context_->upload(source.data(), source.size_bytes(), target);
  }
  template <class T>
  void upload_async(std::span<const T> source, T* target) const {
    context_->upload_async(source.data(), source.size_bytes(), target);
  }
  template <class T>
  void download(const T* source, std::span<T> target) const {
    context_->download(source, target.size_bytes(), target.data());
  }
  template <class T>
  void copy(const T* source, std::size_t size, T* target) const {
    context_->copy(source, size * sizeof(T), target);
  }

  template <class T>
  [[nodiscard]] readback<T> make_readback(std::size_t size) const {
    return readback<T>(context_, size);
  }

  [[nodiscard]] graph_steps make_step_runner() const { return graph_steps(context_); }

  template <class F>
  void launch(std::size_t n, const F& f) const {
    static_assert(std::is_trivially_copyable_v<F>, "localis: a kernel is a trivially copyable function object");
    Executor{}(context_->stream(), n, f);
    check_call(cudaGetLastError(), "launch");
  }

  template <class F>
  void launch_teams(std::size_t rows, std::uint32_t lanes, const F& f) const {
    static_assert(std::is_trivially_copyable_v<F>, "localis: a kernel is a trivially copyable function object");
    Executor{}.run_teams(context_->stream(), rows, lanes, f);
    check_call(cudaGetLastError(), "launch");
  }

  template <class Reductions>
  void run_blocks(std::size_t n, const Reductions& reductions) const {
    static_assert(std::is_trivially_copyable_v<Reductions>,
                  "localis: a kernel is a trivially copyable function object");
    Executor{}.run_blocks(context_->stream(), n, reductions);
    check_call(cudaGetLastError(), "launch");
  }
  [[nodiscard]] std::span<std::uint32_t> block_counters() const { return context_->block_counters(); }

  /// Computes a row-major product with the column-major cuBLAS, which sees all three matrices transposed:
  /// c^T = op(b)^T op(a)^T. Sums are of type T.
  template <class T, class Operand>
  void multiply(const device::product<T, Operand>& product) const {
    static_assert(std::is_same_v<Operand, T> || (std::is_same_v<Operand, bfloat16> && std::is_same_v<T, float>),
                  "localis::cuda::backend<Scalar, Operand>: Operand is Scalar, or bfloat16 where Scalar is float");
    constexpr cudaDataType_t type = data_type<T>;
    constexpr cudaDataType_t operand_type = data_type<Operand>;
    const cublasComputeType_t precision = compute_type<T, Operand>(context_->chosen().precision);
    const auto operation = [](const auto& operand) {
      return operand.stored == device::layout::transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    };
    const auto wide = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    check_call(cublasGemmStridedBatchedEx_64(
                   context_->blas(), operation(product.b), operation(product.a), wide(product.columns),
                   wide(product.rows), wide(product.inner), &product.alpha, product.b.data, operand_type,
                   wide(product.b.stride), wide(product.b.step), product.a.data, operand_type, wide(product.a.stride),
                   wide(product.a.step), &product.beta, product.c.data, type, wide(product.c.stride),
                   wide(product.c.step), wide(product.count), precision, CUBLAS_GEMM_DEFAULT),
               "cublasGemmStridedBatchedEx");
  }

 private:
  template <class T>
  static constexpr cudaDataType_t data_type = std::is_same_v<T, double>     ? CUDA_R_64F
                                              : std::is_same_v<T, bfloat16> ? CUDA_R_16BF
                                                                            : CUDA_R_32F;
  template <class T, class Operand>
  static constexpr cublasComputeType_t compute_type(math precision) {
    if (std::is_same_v<T, double>) return CUBLAS_COMPUTE_64F;
    if (!std::is_same_v<T, Operand>) return CUBLAS_COMPUTE_32F;
    switch (precision) {
      case math::tf32:
        return CUBLAS_COMPUTE_32F_FAST_TF32;
      case math::bf16:
        return CUBLAS_COMPUTE_32F_FAST_16BF;
      default:
        return CUBLAS_COMPUTE_32F_PEDANTIC;
    }
  }

  std::shared_ptr<context> context_;
};

}  // namespace localis::cuda
