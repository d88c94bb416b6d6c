#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "standin.hpp"
#include <cudnn.h>

// cuDNN's convolutions of images and filters with channels last, by loops.

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::size_t samples = 0, channels = 0, height = 0, width = 0;
};
struct cudnnFilterStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::size_t units = 0, channels = 0, height = 0, width = 0;
};
struct cudnnConvolutionStruct {
  struct axis {
    std::size_t padding = 0, stride = 1, dilation = 1;
  };
  axis height, width;
  std::size_t groups = 1;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

std::size_t extent(int n) { return static_cast<std::size_t>(n); }

cudnnStatus_t begin() { return static_cast<cudnnStatus_t>(standin::begin_call()); }

template <class T>
cudnnStatus_t make(T** object) {
  if (const cudnnStatus_t failure = begin()) return failure;
  *object = new T;
  standin::add_alive(1);
  return CUDNN_STATUS_SUCCESS;
}
template <class T>
cudnnStatus_t unmake(T* object) {
  delete object;
  standin::add_alive(-1);
  return CUDNN_STATUS_SUCCESS;
}

/// The sizes of a convolution, which its four descriptors have to agree on.
struct sizes {
  cudnnTensorStruct in;
  cudnnTensorStruct out;
  cudnnFilterStruct w;
  cudnnConvolutionStruct how;

  [[nodiscard]] bool agree() const {
    const auto windows = [](std::size_t image, std::size_t field, const cudnnConvolutionStruct::axis& along) {
      return (image + 2 * along.padding - (field - 1) * along.dilation - 1) / along.stride + 1;
    };
    return in.type == out.type && in.type == w.type && in.type == how.type && in.samples == out.samples &&
           in.channels == w.channels * how.groups && out.channels == w.units && w.units % how.groups == 0 &&
           out.height == windows(in.height, w.height, how.height) && out.width == windows(in.width, w.width, how.width);
  }
  [[nodiscard]] std::size_t in_size() const { return in.samples * in.height * in.width * in.channels; }
  [[nodiscard]] std::size_t out_size() const { return out.samples * out.height * out.width * out.channels; }
  [[nodiscard]] std::size_t w_size() const { return w.units * w.height * w.width * w.channels; }
  [[nodiscard]] std::size_t multiply_adds() const { return out_size() * w_size() / w.units; }
  [[nodiscard]] std::size_t memory() const { return 64 * in.samples; }

  /// Calls f(offset in the images, in the responses, in the filters) for each product.
  template <class F>
  void for_each_product(const F& f) const {
    const std::size_t group_units = w.units / how.groups;
    for (std::size_t i = 0; i < out.samples * out.height * out.width; ++i) {
      const std::size_t n = i / (out.height * out.width);
      for (std::size_t cell = 0; cell < w.height * w.width; ++cell) {
        const std::size_t y = i / out.width % out.height * how.height.stride + cell / w.width * how.height.dilation;
        const std::size_t x = i % out.width * how.width.stride + cell % w.width * how.width.dilation;
        if (y < how.height.padding || y >= in.height + how.height.padding) continue;
        if (x < how.width.padding || x >= in.width + how.width.padding) continue;
        const std::size_t pixel =
            ((n * in.height + y - how.height.padding) * in.width + x - how.width.padding) * in.channels;
        for (std::size_t o = 0; o < w.units; ++o) {
          const std::size_t row = (o * w.height * w.width + cell) * w.channels;
          const std::size_t first = pixel + o / group_units * w.channels;
          for (std::size_t c = 0; c < w.channels; ++c) f(first + c, i * out.channels + o, row + c);
        }
      }
    }
  }
};

/// One that is not the same in every run, one that takes more memory than there is, and one that can be used.
template <class Algorithm>
cudnnStatus_t propose(const sizes& of, int most, int* count, Algorithm* found) {
  if (const cudnnStatus_t failure = begin()) return failure;
  if (!of.agree()) return CUDNN_STATUS_BAD_PARAM;
  *count = (std::min)(most, 3);
  for (int i = 0; i < *count; ++i) {
    found[i] = {};
    found[i].algo = static_cast<decltype(found[i].algo)>(i);
    found[i].status = CUDNN_STATUS_SUCCESS;
    found[i].memory = i == 0 ? 0 : i == 1 ? std::size_t{1} << 40 : of.memory();
    found[i].determinism = i == 0 ? CUDNN_NON_DETERMINISTIC : CUDNN_DETERMINISTIC;
    found[i].mathType = of.how.math;
  }
  return CUDNN_STATUS_SUCCESS;
}

/// target = sum of a b over all products + beta target, each at the places that `places` picks.
template <class T, class Places>
void accumulate(const sizes& of, const T* a, const T* b, T beta, T* target, std::size_t size, const Places& places) {
  if (beta == T(0)) std::fill(target, target + size, T(0));
  of.for_each_product([&](std::size_t image, std::size_t response, std::size_t filter) {
    const std::array<std::size_t, 3> at = places(image, response, filter);
    target[at[2]] += a[at[0]] * b[at[1]];
  });
}
/// The operands a and b, of so many values, and what is computed from them.
struct operands {
  const void* a;
  std::size_t a_size;
  const void* b;
  std::size_t b_size;
  void* target;
  std::size_t size;
};
template <class Places>
cudnnStatus_t run(const char* name, cudnnHandle_t handle, const sizes& of, int algorithm, const void* workspace,
                  std::size_t bytes, const void* alpha, const void* beta, const operands& given, const Places& places) {
  standin::count_convolution(of.how.math, of.multiply_adds());
  if (const cudnnStatus_t failure = begin()) return failure;
  if (!of.agree() || algorithm != 2 || bytes < of.memory() || !standin::holds(workspace, bytes)) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  const auto compute = [&](auto zero) {
    using T = decltype(zero);
    const T kept = *static_cast<const T*>(beta);
    if (*static_cast<const T*>(alpha) != T(1) || (kept != T(0) && kept != T(1))) return CUDNN_STATUS_BAD_PARAM;
    if (!standin::holds(given.target, given.size * sizeof(T))) return CUDNN_STATUS_BAD_PARAM;
    standin::submit_work(handle->stream, {standin::work::kind::convolution, name, 0, of.multiply_adds()}, [=] {
      if (standin::touches_alone()) {
        standin::read(given.a, given.a_size * sizeof(T));
        standin::read(given.b, given.b_size * sizeof(T));
        if (kept != T(0)) standin::read(given.target, given.size * sizeof(T));
        standin::write(given.target, given.size * sizeof(T));
      } else {
        accumulate(of, static_cast<const T*>(given.a), static_cast<const T*>(given.b), kept,
                   static_cast<T*>(given.target), given.size, places);
      }
    });
    return CUDNN_STATUS_SUCCESS;
  };
  return of.in.type == CUDNN_DATA_DOUBLE ? compute(0.0) : compute(0.0F);
}

}  // namespace

extern "C" {

const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_EXECUTION_FAILED ? "CUDNN_STATUS_EXECUTION_FAILED" : "a status of the stand-in";
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return make(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return unmake(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  if (const cudnnStatus_t failure = begin()) return failure;
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) { return make(tensor); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) { return unmake(tensor); }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  if (const cudnnStatus_t failure = begin()) return failure;
  if (format != CUDNN_TENSOR_NHWC) return CUDNN_STATUS_NOT_SUPPORTED;
  *tensor = {type, extent(n), extent(c), extent(h), extent(w)};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter) { return make(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return unmake(filter); }
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  if (const cudnnStatus_t failure = begin()) return failure;
  if (format != CUDNN_TENSOR_NHWC) return CUDNN_STATUS_NOT_SUPPORTED;
  *filter = {type, extent(k), extent(c), extent(h), extent(w)};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* how) { return make(how); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t how) { return unmake(how); }
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t how, int pad_h, int pad_w, int u, int v,
                                              int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t type) {
  if (const cudnnStatus_t failure = begin()) return failure;
  if (mode != CUDNN_CROSS_CORRELATION) return CUDNN_STATUS_NOT_SUPPORTED;
  how->height = {extent(pad_h), extent(u), extent(dilation_h)};
  how->width = {extent(pad_w), extent(v), extent(dilation_w)};
  how->type = type;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t how, int groups) {
  if (const cudnnStatus_t failure = begin()) return failure;
  how->groups = extent(groups);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t how, cudnnMathType_t math) {
  if (const cudnnStatus_t failure = begin()) return failure;
  how->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t in,
                                                     const cudnnFilterDescriptor_t w,
                                                     const cudnnConvolutionDescriptor_t how,
                                                     const cudnnTensorDescriptor_t out, const int most, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  return propose(sizes{*in, *out, *w, *how}, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, const cudnnTensorDescriptor_t in,
                                                            const cudnnTensorDescriptor_t out,
                                                            const cudnnConvolutionDescriptor_t how,
                                                            const cudnnFilterDescriptor_t w, const int most, int* count,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  return propose(sizes{*in, *out, *w, *how}, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, const cudnnFilterDescriptor_t w,
                                                          const cudnnTensorDescriptor_t out,
                                                          const cudnnConvolutionDescriptor_t how,
                                                          const cudnnTensorDescriptor_t in, const int most, int* count,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* found) {
  return propose(sizes{*in, *out, *w, *how}, most, count, found);
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t in,
                                      const void* x, const cudnnFilterDescriptor_t w, const void* weights,
                                      const cudnnConvolutionDescriptor_t how, cudnnConvolutionFwdAlgo_t algorithm,
                                      void* workspace, size_t bytes, const void* beta,
                                      const cudnnTensorDescriptor_t out, void* u) {
  const sizes of{*in, *out, *w, *how};
  return run("convolution", handle, of, algorithm, workspace, bytes, alpha, beta,
             {x, of.in_size(), weights, of.w_size(), u, of.out_size()},
             [](std::size_t image, std::size_t response, std::size_t filter) {
               return std::array<std::size_t, 3>{image, filter, response};
             });
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void* alpha, const cudnnTensorDescriptor_t in,
                                             const void* x, const cudnnTensorDescriptor_t out, const void* d,
                                             const cudnnConvolutionDescriptor_t how,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace, size_t bytes,
                                             const void* beta, const cudnnFilterDescriptor_t w, void* dw) {
  const sizes of{*in, *out, *w, *how};
  return run("weight gradient", handle, of, algorithm, workspace, bytes, alpha, beta,
             {x, of.in_size(), d, of.out_size(), dw, of.w_size()},
             [](std::size_t image, std::size_t response, std::size_t filter) {
               return std::array<std::size_t, 3>{image, response, filter};
             });
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void* alpha, const cudnnFilterDescriptor_t w,
                                           const void* weights, const cudnnTensorDescriptor_t out, const void* d,
                                           const cudnnConvolutionDescriptor_t how,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace, size_t bytes,
                                           const void* beta, const cudnnTensorDescriptor_t in, void* dx) {
  const sizes of{*in, *out, *w, *how};
  return run("input gradient", handle, of, algorithm, workspace, bytes, alpha, beta,
             {weights, of.w_size(), d, of.out_size(), dx, of.in_size()},
             [](std::size_t image, std::size_t response, std::size_t filter) {
               return std::array<std::size_t, 3>{filter, response, image};
             });
}

}  // extern "C"
