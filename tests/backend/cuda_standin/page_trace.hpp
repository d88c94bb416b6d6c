#pragma once

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__) && defined(__x86_64__)
#include <ucontext.h>
#endif

namespace standin {

/// Bytes of the pages that were touched, each counted once.
struct traffic {
  std::size_t read = 0;
  std::size_t written = 0;
};

/// Finds out which pages of a closed stretch of memory are read and written: the fault at the first access marks the
/// page and opens it, for reading alone until it is written. A value that is written before it is read is not read.
class page_trace {
 public:
  static constexpr std::size_t page = 4096;
#if defined(__linux__) && defined(__x86_64__)
  static constexpr bool available = true;
#else
  static constexpr bool available = false;  // a fault does not tell whether it was a write
#endif

  page_trace(std::byte* base, std::size_t size)
      : base_(base), pages_(size / page), marks_(std::make_unique<std::atomic<std::uint8_t>[]>(pages_)) {}

  void begin() {
    struct sigaction ours {};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO;
    running = this;
    sigaction(SIGSEGV, &ours, &before_);
  }
  /// Closes what was opened.
  traffic end() {
    sigaction(SIGSEGV, &before_, nullptr);
    running = nullptr;
    traffic found;
    std::size_t first = 0;  // of the stretch of marked pages that ends here
    for (std::size_t i = 0; i < pages_; ++i) {
      const std::uint8_t mark = marks_[i].load(std::memory_order_relaxed);
      if (mark == 0) {
        if (first < i) protect(first, i, PROT_NONE);
        first = i + 1;
        continue;
      }
      if ((mark & is_read) != 0) found.read += page;
      if ((mark & is_written) != 0) found.written += page;
      marks_[i].store(0, std::memory_order_relaxed);
    }
    if (first < pages_) protect(first, pages_, PROT_NONE);
    return found;
  }

  // Without a fault for each page.

  void read(const void* data, std::size_t bytes) { touch(data, bytes, is_read, PROT_READ); }
  void write(const void* data, std::size_t bytes) { touch(data, bytes, is_written, PROT_READ | PROT_WRITE); }

 private:
  static constexpr std::uint8_t is_read = 1;
  static constexpr std::uint8_t is_written = 2;

  static void on_fault([[maybe_unused]] int number, siginfo_t* fault, [[maybe_unused]] void* context) {
    std::uint8_t mark = is_read;
#if defined(__linux__) && defined(__x86_64__)
    if ((static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & 2) != 0) mark = is_written;
#endif
    // Elsewhere the access is repeated, and ends as it would have without this handler.
    if (!running->open(static_cast<const std::byte*>(fault->si_addr), mark)) {
      sigaction(SIGSEGV, &running->before_, nullptr);
    }
  }
  bool open(const std::byte* at, std::uint8_t mark) {
    if (at < base_ || at >= base_ + pages_ * page) return false;
    const std::size_t i = static_cast<std::size_t>(at - base_) / page;
    const int marks = marks_[i].fetch_or(mark) | mark;
    protect(i, i + 1, (marks & is_written) != 0 ? PROT_READ | PROT_WRITE : PROT_READ);
    return true;
  }
  void touch(const void* data, std::size_t bytes, std::uint8_t mark, int protection) {
    if (bytes == 0) return;
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(data) - base_);
    const std::size_t last = (offset + bytes - 1) / page + 1;
    for (std::size_t i = offset / page; i < last; ++i) marks_[i].fetch_or(mark);
    if (mark == is_written) protect(offset / page, last, protection);
  }
  /// A signal handler may call it.
  void protect(std::size_t first, std::size_t last, int protection) const {
    if (mprotect(base_ + first * page, (last - first) * page, protection) == 0) return;
    constexpr std::string_view message = "cuda_standin: mprotect failed: too many stretches of pages?\n";
    static_cast<void>(::write(STDERR_FILENO, message.data(), message.size()));
    std::abort();
  }

  static inline page_trace* running = nullptr;

  std::byte* base_;
  std::size_t pages_;
  std::unique_ptr<std::atomic<std::uint8_t>[]> marks_;
  struct sigaction before_ {};
};

}  // namespace standin
