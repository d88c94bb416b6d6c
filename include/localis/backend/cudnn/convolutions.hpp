#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <cudnn.h>

#include <localis/backend/cuda/context.hpp>
#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/rows.hpp>

namespace localis::cudnn {

static_assert(CUDNN_MAJOR >= 9, "localis::cudnn needs cuDNN 9 or later");

/// Throws device_error "cudnn: CALL: TEXT" unless the call succeeded.
inline void check_call(cudnnStatus_t result, const char* call) {
  if (result == CUDNN_STATUS_SUCCESS) return;
  throw device_error(text("cudnn: ", call, ": ", cudnnGetErrorString(result)));
}

namespace detail {

template <auto Destroy>
struct destroy {
  template <class T>
  void operator()(T* object) const noexcept {
    (void)Destroy(object);
  }
};
/// An object of cuDNN, made by one call and destroyed by another.
template <class T, auto Create, auto Destroy>
class owned {
 public:
  owned() {
    T object = nullptr;
    check_call(Create(&object), "create");
    object_.reset(object);
  }
  [[nodiscard]] T get() const { return object_.get(); }

 private:
  std::unique_ptr<std::remove_pointer_t<T>, destroy<Destroy>> object_;
};
using library = owned<cudnnHandle_t, cudnnCreate, cudnnDestroy>;
using tensor = owned<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using filter = owned<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using convolution =
    owned<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor>;

template <class T>
inline constexpr cudnnDataType_t data_type = std::is_same_v<T, double> ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;

/// Returns the extent as cuDNN takes it.
inline int extent(std::size_t n) {
  expect(n <= static_cast<std::size_t>((std::numeric_limits<int>::max)()), "cudnn: convolution: extent",
         "at most 2^31 - 1", n);
  return static_cast<int>(n);
}

}  // namespace detail

/// The convolutions of cuDNN on the stream of a context and in its workspace. Of the algorithms that cuDNN proposes, in
/// the order of the time that it expects, the first is taken that gives the same bits in every run and fits into the
/// workspace.
///
/// Errors: device_error, which names the call and its text, or the convolution for which there is no such algorithm.
class convolutions {
 public:
  explicit convolutions(std::shared_ptr<cuda::context> owner) : context_(std::move(owner)) {
    check_call(cudnnSetStream(library_.get(), context_->stream()), "cudnnSetStream");
  }

  /// Returns whether there are such algorithms for a convolution of one sample and for both of its gradients.
  template <class T>
  [[nodiscard]] bool takes(const linear_map& map) {
    const plan& found = plan_of<T>(map, 1);
    return found.response && found.weights && found.input;
  }
  /// U = X W^T
  template <class T>
  void respond(const linear_map& map, std::size_t samples, const T* x, const T* w, T* u) {
    const plan& chosen = plan_of<T>(map, samples);
    const auto& algorithm = prepared(chosen.response, chosen);
    const T one(1);
    const T zero(0);
    check_call(cudnnConvolutionForward(library_.get(), &one, chosen.in.get(), x, chosen.w.get(), w, chosen.window.get(),
                                       algorithm.algo, workspace(), algorithm.memory, &zero, chosen.out.get(), u),
               "cudnnConvolutionForward");
  }
  /// dW = D^T X
  template <class T>
  void weight_gradient(const linear_map& map, std::size_t samples, const T* x, const T* d, T* dw) {
    const plan& chosen = plan_of<T>(map, samples);
    const auto& algorithm = prepared(chosen.weights, chosen);
    const T one(1);
    const T zero(0);
    check_call(cudnnConvolutionBackwardFilter(library_.get(), &one, chosen.in.get(), x, chosen.out.get(), d,
                                              chosen.window.get(), algorithm.algo, workspace(), algorithm.memory, &zero,
                                              chosen.w.get(), dw),
               "cudnnConvolutionBackwardFilter");
  }
  /// dX = D W or dX += D W, as `mode` says, folded back into images
  template <class T>
  void input_gradient(const linear_map& map, std::size_t samples, const T* d, const T* w, T* dx, kernel::store mode) {
    const plan& chosen = plan_of<T>(map, samples);
    const auto& algorithm = prepared(chosen.input, chosen);
    const T one(1);
    const T kept(mode == kernel::store::add ? 1 : 0);
    check_call(
        cudnnConvolutionBackwardData(library_.get(), &one, chosen.w.get(), w, chosen.out.get(), d, chosen.window.get(),
                                     algorithm.algo, workspace(), algorithm.memory, &kept, chosen.in.get(), dx),
        "cudnnConvolutionBackwardData");
  }

 private:
  /// A convolution of a number of samples as cuDNN describes it, and the algorithms for its passes.
  struct plan {
    linear_map map;
    std::size_t samples;
    cudnnDataType_t type;
    detail::tensor in;
    detail::tensor out;
    detail::filter w;
    detail::convolution window;
    std::optional<cudnnConvolutionFwdAlgoPerf_t> response;
    std::optional<cudnnConvolutionBwdFilterAlgoPerf_t> weights;
    std::optional<cudnnConvolutionBwdDataAlgoPerf_t> input;
  };

  template <class T>
  const plan& plan_of(const linear_map& map, std::size_t samples) {
    constexpr cudnnDataType_t type = detail::data_type<T>;
    for (const std::unique_ptr<plan>& known : plans_) {
      if (known->samples == samples && known->type == type && known->map == map) return *known;
    }
    auto fresh = std::make_unique<plan>(plan{map, samples, type, {}, {}, {}, {}, {}, {}, {}});
    describe(*fresh);
    choose(*fresh);
    plans_.push_back(std::move(fresh));
    return *plans_.back();
  }
  void describe(const plan& p) const {
    using detail::extent;
    const auto images = [&](const detail::tensor& tensor, const shape& image) {
      check_call(cudnnSetTensor4dDescriptor(tensor.get(), CUDNN_TENSOR_NHWC, p.type, extent(p.samples),
                                            extent(image.channels), extent(image.height), extent(image.width)),
                 "cudnnSetTensor4dDescriptor");
    };
    images(p.in, p.map.in);
    images(p.out, p.map.out);
    const window& field = p.map.field;
    check_call(cudnnSetFilter4dDescriptor(p.w.get(), p.type, CUDNN_TENSOR_NHWC, extent(p.map.outputs()),
                                          extent(p.map.group_channels()), extent(field.height), extent(field.width)),
               "cudnnSetFilter4dDescriptor");
    check_call(cudnnSetConvolution2dDescriptor(p.window.get(), extent(field.padding.height),
                                               extent(field.padding.width), extent(field.stride.height),
                                               extent(field.stride.width), extent(field.dilation.height),
                                               extent(field.dilation.width), CUDNN_CROSS_CORRELATION, p.type),
               "cudnnSetConvolution2dDescriptor");
    check_call(cudnnSetConvolutionGroupCount(p.window.get(), extent(p.map.groups)), "cudnnSetConvolutionGroupCount");
    const bool exact = context_->chosen().precision == cuda::math::pedantic;
    check_call(cudnnSetConvolutionMathType(p.window.get(), exact ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH),
               "cudnnSetConvolutionMathType");
  }
  void choose(plan& p) const {
    const cudnnHandle_t library = library_.get();
    p.response = first_fit<cudnnConvolutionFwdAlgoPerf_t>([&](int limit, int* count, auto* found) {
      return cudnnGetConvolutionForwardAlgorithm_v7(library, p.in.get(), p.w.get(), p.window.get(), p.out.get(), limit,
                                                    count, found);
    });
    p.weights = first_fit<cudnnConvolutionBwdFilterAlgoPerf_t>([&](int limit, int* count, auto* found) {
      return cudnnGetConvolutionBackwardFilterAlgorithm_v7(library, p.in.get(), p.out.get(), p.window.get(), p.w.get(),
                                                           limit, count, found);
    });
    p.input = first_fit<cudnnConvolutionBwdDataAlgoPerf_t>([&](int limit, int* count, auto* found) {
      return cudnnGetConvolutionBackwardDataAlgorithm_v7(library, p.w.get(), p.out.get(), p.window.get(), p.in.get(),
                                                         limit, count, found);
    });
  }
  /// Returns the first algorithm that `propose` finds, is deterministic and fits into the workspace.
  template <class Algorithm, class Propose>
  [[nodiscard]] std::optional<Algorithm> first_fit(const Propose& propose) const {
    std::array<Algorithm, 16> found{};
    int count = 0;
    const cudnnStatus_t status = propose(static_cast<int>(found.size()), &count, found.data());
    if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) return std::nullopt;
    check_call(status, "cudnnGetConvolutionAlgorithm");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const Algorithm& one = found[i];
      if (one.status == CUDNN_STATUS_SUCCESS && one.determinism == CUDNN_DETERMINISTIC &&
          one.memory <= context_->chosen().workspace_bytes) {
        return one;
      }
    }
    return std::nullopt;
  }
  /// Returns the algorithm, after setting the precision for which it was proposed.
  template <class Algorithm>
  const Algorithm& prepared(const std::optional<Algorithm>& wanted, const plan& p) const {
    if (!wanted) {
      throw device_error(text("cudnn: a convolution of ", p.samples, " x ", p.map.in, " to ", p.map.out,
                              ": expected a deterministic algorithm within workspace_bytes, ",
                              context_->chosen().workspace_bytes, ", found none"));
    }
    check_call(cudnnSetConvolutionMathType(p.window.get(), wanted->mathType), "cudnnSetConvolutionMathType");
    return *wanted;
  }
  [[nodiscard]] void* workspace() const { return context_->workspace(); }

  std::shared_ptr<cuda::context> context_;
  detail::library library_;
  std::vector<std::unique_ptr<plan>> plans_;
};

}  // namespace localis::cudnn
