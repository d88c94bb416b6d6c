#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <localis/backend/cuda/context.hpp>
#include <localis/backend/cuda/error.hpp>

namespace localis::cuda {

/// Runs training steps as CUDA graphs if options::graphs says so: the work of a step is collected and then starts in
/// one launch, without gaps between its kernels. There is a graph for each kind of step (such as its boundary) and
/// batch size; each step updates the arguments in it, so that rates, step numbers and addresses are always those of the
/// step. The first step of a kind runs call by call, because libraries and pools allocate in it.
///
/// Errors: device_error, as cuda::context. A step whose body throws runs no work.
class graph_steps {
 public:
  explicit graph_steps(std::shared_ptr<context> owner) : context_(std::move(owner)) {}

  template <class Body>
  void operator()(std::size_t kind, std::size_t samples, const Body& body) {
    executable* graph = find(kind, samples);
    if (graph == nullptr) {
      body();
      if (context_->chosen().graphs) entries_.push_back({kind, samples, nullptr});
      return;
    }
    context_->begin_capture();
    try {
      body();
    } catch (...) {
      context_->drop_capture();
      throw;
    }
    launch(context_->end_capture(), *graph);
  }

 private:
  struct destroy {
    void operator()(cudaGraphExec_t graph) const noexcept { (void)cudaGraphExecDestroy(graph); }
  };
  using executable = std::unique_ptr<CUgraphExec_st, destroy>;
  struct entry {
    std::size_t kind;
    std::size_t samples;
    executable graph;
  };

  /// Returns the graph of such steps, or null if none has run yet.
  executable* find(std::size_t kind, std::size_t samples) {
    for (entry& one : entries_) {
      if (one.kind == kind && one.samples == samples) return &one.graph;
    }
    return nullptr;
  }
  void launch(const context::graph& step, executable& graph) const {
    if (graph != nullptr) {
      cudaGraphExecUpdateResultInfo found{};
      const cudaError_t result = cudaGraphExecUpdate(graph.get(), step.get(), &found);
      if (result == cudaErrorGraphExecUpdateFailure) {
        (void)cudaGetLastError();
        graph.reset();  // a step of another kind, which gets a graph of its own
      } else {
        check_call(result, "cudaGraphExecUpdate");
      }
    }
    if (graph == nullptr) {
      cudaGraphExec_t fresh = nullptr;
      check_call(cudaGraphInstantiate(&fresh, step.get(), 0), "cudaGraphInstantiate");
      graph.reset(fresh);
    }
    check_call(cudaGraphLaunch(graph.get(), context_->stream()), "cudaGraphLaunch");
  }

  std::shared_ptr<context> context_;
  std::vector<entry> entries_;
};

}  // namespace localis::cuda
