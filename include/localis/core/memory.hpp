#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <ostream>
#include <span>
#include <string>
#include <utility>

#include <localis/core/error.hpp>

namespace localis {

/// The purpose of an allocation. The arena holds activations, gradients and scratch memory, laid out by one plan
/// (model/memory_plan.hpp).
enum class memory_kind : std::size_t { parameters, rule_state, optimizer_state, features, arena, count };

/// The name of a kind of memory, for messages.
[[nodiscard]] constexpr const char* name_of(memory_kind kind) {
  switch (kind) {
    case memory_kind::parameters:
      return "parameters";
    case memory_kind::rule_state:
      return "rules' states";
    case memory_kind::optimizer_state:
      return "optimizer's states";
    case memory_kind::features:
      return "kept features";
    case memory_kind::arena:
    case memory_kind::count:
      break;
  }
  return "the arena";
}

/// Bytes that a backend has handed out, by kind. Copies of a backend share the counters, and each thread may use a copy
/// of its own; to read the counters while other threads allocate, take a snapshot().
struct memory_counters {
  std::array<std::size_t, static_cast<std::size_t>(memory_kind::count)> usage{};
  std::size_t total = 0;
  std::size_t peak = 0;         ///< largest `total` seen
  std::size_t allocations = 0;  ///< number of allocations so far

  [[nodiscard]] std::size_t held(memory_kind kind) const { return usage[static_cast<std::size_t>(kind)]; }

  // Not inline: GCC 12 would warn of a null pointer that it considers possible in the arrays of a growing vector.
  [[gnu::noinline]] void take(memory_kind kind, std::size_t bytes) {
    shared(usage[static_cast<std::size_t>(kind)]) += bytes;
    const std::size_t sum = shared(total) += bytes;
    std::size_t largest = shared(peak);
    while (largest < sum && !shared(peak).compare_exchange_weak(largest, sum)) {
    }
    ++shared(allocations);
  }
  [[gnu::noinline]] void give(memory_kind kind, std::size_t bytes) {
    shared(usage[static_cast<std::size_t>(kind)]) -= bytes;
    shared(total) -= bytes;
  }
  /// Resets `peak` to the present total.
  void forget_peak() { shared(peak) = shared(total).load(); }
  [[nodiscard]] memory_counters snapshot() const {
    memory_counters result;
    for (std::size_t kind = 0; kind < usage.size(); ++kind) result.usage[kind] = shared(usage[kind]);
    result.total = shared(total);
    result.peak = shared(peak);
    result.allocations = shared(allocations);
    return result;
  }

 private:
  static std::atomic_ref<std::size_t> shared(const std::size_t& number) {  // atomic_ref<const T> comes with C++26
    return std::atomic_ref<std::size_t>(const_cast<std::size_t&>(number));
  }
};

namespace detail {

/// "asked for N bytes for the arena; in use here: ..."
[[nodiscard, gnu::cold]] inline std::string asked_for(std::size_t bytes, const char* what,
                                                      const memory_counters& in_use) {
  std::string result = text("asked for ", bytes, " bytes for ", what, "; in use here: ");
  for (std::size_t kind = 0; kind < in_use.usage.size(); ++kind) {
    result += text(kind == 0 ? "" : ", ", in_use.usage[kind], " of ", name_of(static_cast<memory_kind>(kind)));
  }
  return result;
}

}  // namespace detail

/// Memory of the host, aligned for any vector unit and counted. Backends that run on the host share this class.
class host_memory {
 public:
  static constexpr bool host_accessible = true;  ///< false: only kernels, uploads and downloads reach the arrays
  static constexpr std::size_t alignment = 64;

  [[nodiscard]] void* allocate(memory_kind kind, std::size_t bytes) {
    void* data = ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
    if (data == nullptr) throw error("out of memory: " + detail::asked_for(bytes, name_of(kind), counters_.snapshot()));
    std::memset(data, 0, bytes);
    counters_.take(kind, bytes);
    return data;
  }
  void release(memory_kind kind, void* data, std::size_t bytes) noexcept {
    ::operator delete (data, std::align_val_t{alignment});
    counters_.give(kind, bytes);
  }
  [[nodiscard]] const memory_counters& counters() const { return counters_; }
  [[nodiscard]] memory_counters& counters() { return counters_; }

 private:
  memory_counters counters_;
};

/// An array in a backend's memory, owned by this object and filled with zeros at first. It can be moved but not copied.
template <class T, class Memory>
class buffer {
 public:
  buffer() = default;
  buffer(std::shared_ptr<Memory> memory, memory_kind kind, std::size_t size)
      : memory_(std::move(memory)),
        kind_(kind),
        size_(size),
        data_(size == 0 ? nullptr : static_cast<T*>(memory_->allocate(kind, size * sizeof(T)))) {}
  buffer(buffer&& other) noexcept
      : memory_(std::move(other.memory_)),
        kind_(other.kind_),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  buffer& operator=(buffer&& other) noexcept {
    buffer moved(std::move(other));
    std::swap(memory_, moved.memory_);
    std::swap(kind_, moved.kind_);
    std::swap(size_, moved.size_);
    std::swap(data_, moved.data_);
    return *this;
  }
  ~buffer() {
    if (data_ != nullptr) memory_->release(kind_, data_, size_ * sizeof(T));
  }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::span<T> span() const { return {data_, size_}; }

 private:
  std::shared_ptr<Memory> memory_;
  memory_kind kind_ = memory_kind::parameters;
  std::size_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace localis
