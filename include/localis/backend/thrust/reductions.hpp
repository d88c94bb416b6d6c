#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/backend/run_reduction.hpp>
#include <localis/core/memory.hpp>
#include <localis/kernel/divide.hpp>
#include <localis/kernel/reduction.hpp>
#include <localis/kernel/team.hpp>

namespace localis::device {

/// Runs a reduction as one launch.
///
/// @param work   number of elements that a call processes
/// @param parts  scratch of count_of_numbers values for each block
template <class System, kernel::reducing Kernel>
// NOLINTNEXTLINE(readability-non-const-parameter): kernels write to it through number_parts
void launch_reduction(const System& system, std::size_t size, std::size_t work, const Kernel& f, double* parts) {
  using blocks = kernel::reduction_blocks<Kernel>;
  const std::uint32_t lanes = kernel::takes_teams<Kernel> ? kernel::team_lanes(work) : 1;
  system.run_blocks(
      blocks::count(size, lanes),
      kernel::one_reduction<blocks>{{f, kernel::narrow(size), 0, {parts}, system.block_counters().data(), lanes}});
}

/// Several reductions by kernels of one type, which run in one launch.
template <class System, kernel::reducing Kernel>
class reductions_at_once {
 public:
  /// @param sizes  the number of calls of each reduction of the longest list that will run
  reductions_at_once(const System& system, memory_kind kind, std::span<const std::size_t> sizes)
      : blocks_(system.template allocate<blocks>(kind, sizes.size())),
        counters_(system.template allocate<std::uint32_t>(kind, sizes.size())),
        parts_(system.template allocate<double>(kind, kernel::count_of_numbers<Kernel> * blocks_of(sizes))) {
    host_.reserve(sizes.size());
  }

  /// Runs some of the reductions of the list.
  template <class Backend>
  void run(const Backend& backend, std::span<const reduction_call<Kernel>> calls) {
    if (calls.empty()) return;
    host_.clear();
    std::size_t first = 0;
    for (const reduction_call<Kernel>& call : calls) {
      host_.push_back({call.kernel,
                       kernel::narrow(call.size),
                       kernel::narrow(first),
                       {parts_.data() + kernel::count_of_numbers<Kernel> * first},
                       counters_.data() + host_.size()});
      first += blocks::count(call.size);
    }
    backend.upload(std::span<const blocks>(host_), blocks_.data());
    backend.system().run_blocks(first,
                                kernel::several_reductions<blocks>{blocks_.data(), kernel::narrow(host_.size())});
  }

 private:
  using blocks = kernel::reduction_blocks<Kernel>;

  static std::size_t blocks_of(std::span<const std::size_t> sizes) {
    std::size_t count = 0;
    for (const std::size_t size : sizes) count += blocks::count(size);
    return count;
  }

  template <class T>
  using array = buffer<T, typename System::memory>;

  std::vector<blocks> host_;
  array<blocks> blocks_;
  array<std::uint32_t> counters_;
  array<double> parts_;
};

}  // namespace localis::device
