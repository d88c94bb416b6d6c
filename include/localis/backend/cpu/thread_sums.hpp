#pragma once

#include <algorithm>
#include <cstddef>

#include <localis/backend/concept.hpp>
#include <localis/backend/cpu/panels.hpp>
#include <localis/backend/cpu/parallel.hpp>
#include <localis/config.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>

namespace localis::cpu {
inline namespace LOCALIS_CPU_THREADS {

/// The sums that each thread takes for a local rule or a weight gradient; they are added up in the order of threads,
/// whatever the timing. Thread 0 adds to the result itself and the others to copies of their own. Products may be
/// summed in sets of panels (panels.hpp) instead: one for each thread, or fewer that threads share, each on other
/// panels.
template <class T>
class thread_sums {
 public:
  /// @param sets  of panels; 0 if products are summed in the shape of the result
  thread_sums(const linear_map& map, const learn_options& options, std::size_t threads, std::size_t sets,
              workspace& scratch)
      : map_(map),
        options_(options),
        sets_(sets),
        panels_(in_panels() ? scratch.take<T>(sets_ * panels_size()) : nullptr),
        copies_(scratch.take<T>((threads - 1) * copy_size())) {}

  [[nodiscard]] bool in_panels() const { return sets_ > 0; }
  [[nodiscard]] T* panels(std::size_t set) const { return panels_ + set * panels_size(); }
  /// Returns the sums that a thread adds to, given the result `all`; `sum` points to a set of panels if there are any.
  [[nodiscard]] accumulators<T> part(std::size_t thread, const accumulators<T>& all) const {
    accumulators<T> own = all;
    if (thread > 0) {
      own.sum = copies_ + (thread - 1) * copy_size();
      own.unit = own.sum + (in_panels() ? 0 : map_.weights());
      own.matrix = own.unit + options_.unit_sums * map_.outputs();
      own.input = own.matrix + (options_.forgetting == mutual_forgetting::matrix ? map_.outputs() * map_.outputs() : 0);
    }
    if (in_panels()) own.sum = panels(thread % sets_);
    return own;
  }
  void clear(std::size_t threads, const accumulators<T>& all) const {
    parallel_for(threads, [&](std::size_t thread) {
      const accumulators<T> own = part(thread, all);
      if (!in_panels() || thread < sets_) std::fill_n(own.sum, in_panels() ? panels_size() : map_.weights(), T(0));
      clear_others(map_, options_, own);
    });
  }
  /// Adds up the sums of `threads` threads in the result `all`; panels are unpacked by `workers` threads.
  void add_up(std::size_t threads, std::size_t workers, const accumulators<T>& all) const {
    if (in_panels()) {
      direct::unpack(map_.outputs(), map_.inputs(), static_cast<const T*>(panels_), (std::min)(threads, sets_), workers,
                     all.sum);
    }
    for (std::size_t thread = 1; thread < threads; ++thread) {
      const accumulators<T> more = part(thread, all);
      const auto add = [&](auto member, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) (all.*member)[i] += (more.*member)[i];
      };
      if (!in_panels()) add(&accumulators<T>::sum, map_.weights());
      for_others(map_, options_, all, add);
    }
  }

  /// Sets all sums that are wanted, except the product, to 0.
  static void clear_others(const linear_map& map, const learn_options& options, const accumulators<T>& sums) {
    for_others(map, options, sums, [&](auto member, std::size_t size) { std::fill_n(sums.*member, size, T(0)); });
  }

 private:
  /// Calls f(member, size) for each sum that is wanted, except the product.
  template <class F>
  static void for_others(const linear_map& map, const learn_options& options, const accumulators<T>& sums, const F& f) {
    if (sums.unit != nullptr) f(&accumulators<T>::unit, options.unit_sums * map.outputs());
    if (options.forgetting == mutual_forgetting::matrix) f(&accumulators<T>::matrix, map.outputs() * map.outputs());
    if (options.sums_inputs) f(&accumulators<T>::input, map.seen());
  }
  [[nodiscard]] std::size_t panels_size() const { return direct::panels_size<T>(map_.outputs(), map_.inputs()); }
  [[nodiscard]] std::size_t copy_size() const {
    return (in_panels() ? 0 : map_.weights()) + options_.unit_sums * map_.outputs() +
           (options_.forgetting == mutual_forgetting::matrix ? map_.outputs() * map_.outputs() : 0) +
           (options_.sums_inputs ? map_.seen() : 0);
  }

  linear_map map_;
  learn_options options_;
  std::size_t sets_;
  T* panels_;
  T* copies_;
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
