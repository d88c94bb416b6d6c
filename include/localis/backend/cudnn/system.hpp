#pragma once

#include <cstddef>
#include <memory>

#include <localis/backend/cuda/context.hpp>
#include <localis/backend/cuda/system.hpp>
#include <localis/backend/cudnn/convolutions.hpp>
#include <localis/core/shape.hpp>

namespace localis::cudnn {

/// The System of the GPU backend whose convolutions are those of cuDNN (thrust/system_convolution.hpp).
template <class Executor>
class system : public cuda::system<Executor> {
 public:
  static constexpr const char* name = "cudnn";

  system() : system(cuda::options{}) {}
  explicit system(const cuda::options& chosen)
      : cuda::system<Executor>(chosen), convolutions_(std::make_shared<convolutions>(this->shared_context())) {}

  template <class T>
  [[nodiscard]] bool convolves(const linear_map& map) const {
    return convolutions_->takes<T>(map);
  }
  template <class T>
  void convolve(const linear_map& map, std::size_t samples, const T* x, const T* w, T* u) const {
    convolutions_->respond(map, samples, x, w, u);
  }
  template <class T>
  void convolve_weight_gradient(const linear_map& map, std::size_t samples, const T* x, const T* d, T* dw) const {
    convolutions_->weight_gradient(map, samples, x, d, dw);
  }
  template <class T>
  void convolve_input_gradient(const linear_map& map, std::size_t samples, const T* d, const T* w, T* dx,
                               kernel::store mode) const {
    convolutions_->input_gradient(map, samples, d, w, dx, mode);
  }

 private:
  std::shared_ptr<convolutions> convolutions_;
};

}  // namespace localis::cudnn
