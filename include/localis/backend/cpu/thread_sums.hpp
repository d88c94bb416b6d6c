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

/// Where threads sum products.
enum class product_sums {
  copies,  ///< thread 0 in the result itself, the others in copies of it
  panels,  ///< each in panels of its own (panels.hpp)
  result   ///< all in the result, each for other weights, which it stores and does not only add to
};

/// The sums that each thread takes for a local rule or a weight gradient; they are added up in the order of threads,
/// whatever the timing. Thread 0 adds to the result itself and the others to copies of their own; products may be
/// summed elsewhere.
template <class T>
class thread_sums {
 public:
  thread_sums(const linear_map& map, const learn_options& options, std::size_t threads, product_sums products,
              workspace& scratch)
      : map_(map),
        options_(options),
        products_(products),
        panels_(in_panels() ? scratch.take<T>(threads * panels_size()) : nullptr),
        copies_(scratch.take<T>((threads - 1) * copy_size())) {}

  [[nodiscard]] bool in_panels() const { return products_ == product_sums::panels; }
  /// Returns the sums that a thread adds to, given the result `all`; `sum` points to its panels if there are any.
  [[nodiscard]] accumulators<T> part(std::size_t thread, const accumulators<T>& all) const {
    accumulators<T> own = all;
    if (thread > 0) {
      T* copy = copies_ + (thread - 1) * copy_size();
      if (in_copies()) own.sum = copy;
      own.unit = copy + product_size();
      own.matrix = own.unit + options_.unit_sums * map_.outputs();
      own.input = own.matrix + (options_.forgetting == mutual_forgetting::matrix ? map_.outputs() * map_.outputs() : 0);
    }
    if (in_panels()) own.sum = panels_ + thread * panels_size();
    return own;
  }
  void clear(std::size_t threads, const accumulators<T>& all) const {
    parallel_for(threads, [&](std::size_t thread) {
      const accumulators<T> own = part(thread, all);
      if (in_panels()) std::fill_n(own.sum, panels_size(), T(0));
      if (in_copies()) std::fill_n(own.sum, map_.weights(), T(0));
      clear_others(map_, options_, own);
    });
  }
  /// Adds up the sums of `threads` threads in the result `all`; panels are unpacked by `workers` threads.
  void add_up(std::size_t threads, std::size_t workers, const accumulators<T>& all) const {
    if (in_panels()) {
      direct::unpack(map_.outputs(), map_.inputs(), static_cast<const T*>(panels_), threads, workers, all.sum);
    }
    for (std::size_t thread = 1; thread < threads; ++thread) {
      const accumulators<T> more = part(thread, all);
      const auto add = [&](auto member, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) (all.*member)[i] += (more.*member)[i];
      };
      if (in_copies()) add(&accumulators<T>::sum, map_.weights());
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
  [[nodiscard]] bool in_copies() const { return products_ == product_sums::copies; }
  [[nodiscard]] std::size_t product_size() const { return in_copies() ? map_.weights() : 0; }
  [[nodiscard]] std::size_t copy_size() const {
    return product_size() + options_.unit_sums * map_.outputs() +
           (options_.forgetting == mutual_forgetting::matrix ? map_.outputs() * map_.outputs() : 0) +
           (options_.sums_inputs ? map_.seen() : 0);
  }

  linear_map map_;
  learn_options options_;
  product_sums products_;
  T* panels_;
  T* copies_;
};

}  // namespace LOCALIS_CPU_THREADS
}  // namespace localis::cpu
