#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <unistd.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/io/checkpoint.hpp>
#include <localis/io/state_dict.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/oja.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/train/trainer.hpp>

namespace {

/// Allocations of the whole program, of which one may be made to fail.
struct allocations {
  static inline std::atomic<std::ptrdiff_t> alive = 0;
  static inline std::atomic<std::size_t> until_failure = 0;  ///< 0: none fails
  static inline std::atomic<std::size_t> least = 0;          ///< bytes; smaller ones do not count

  static void* take(std::size_t bytes, std::size_t alignment) {
    std::size_t left = bytes < least ? 0 : until_failure.load();
    while (left > 0 && !until_failure.compare_exchange_weak(left, left - 1)) {
    }
    if (left == 1) return nullptr;
    const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
    void* data = rounded < bytes ? nullptr : std::aligned_alloc(alignment, rounded);
    if (data != nullptr) ++alive;
    return data;
  }
  // Inlined into operator delete, free() would look to g++ like the wrong partner of operator new.
  [[gnu::noinline]] static void give(void* data) {
    if (data == nullptr) return;
    --alive;
    std::free(data);
  }
};

void* or_throw(void* data) {
  if (data == nullptr) throw std::bad_alloc();
  return data;
}

}  // namespace

// Arrays and nothrow forms come through these.
void* operator new(std::size_t bytes) { return or_throw(allocations::take(bytes, alignof(std::max_align_t))); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return or_throw(allocations::take(bytes, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocations::take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* data) noexcept { allocations::give(data); }
void operator delete(void* data, std::size_t) noexcept { allocations::give(data); }
void operator delete(void* data, std::align_val_t) noexcept { allocations::give(data); }
void operator delete(void* data, std::size_t, std::align_val_t) noexcept { allocations::give(data); }

namespace lo = localis;
namespace fs = std::filesystem;

namespace {

using net = lo::network<lo::image<4, 4, 1>, lo::dense<80, lo::rule::error_feedback>, lo::relu,
                        lo::dense<60, lo::rule::local<lo::rule::oja, lo::rule::momentum>>, lo::relu, lo::dense<3>>;
using model = lo::model<net, lo::cpu::backend<float>>;

const lo::data::images& pictures() {
  static const lo::data::images all = lo::data::synthetic_images(12, 4, 4, 1, 3, 1);
  return all;
}

struct job {
  model m{{}, lo::cpu::backend<float>({.threads = 2, .grain = 1})};
  lo::trainer<model, lo::scheduler::fixed, lo::supervision::loss_gain> trainer{
      m, lo::scheduler::fixed{2}, lo::supervision::loss_gain{}, {.epochs = 2, .batch = 6, .local_rate = 1e-3}};
  void fit() { trainer.fit(pictures(), pictures()); }
};

/// Runs `call` with its allocation number n failing, for n = 1, 2, ... until it needs no more than n - 1.
/// `before()` makes what it is called with, and `after` looks at what a failure left of that.
/// @param least  bytes: smaller allocations do not fail
template <class Before, class Call, class After>
std::size_t fail_each(const Before& before, const Call& call, const After& after, std::size_t least = 0) {
  allocations::least = least;
  for (std::size_t n = 1;; ++n) {
    CAPTURE(n);
    const std::ptrdiff_t alive = allocations::alive;
    bool done = false;
    {
      auto with = before();
      allocations::until_failure = n;
      try {
        call(with);
        done = allocations::until_failure > 0;
        allocations::until_failure = 0;
        // Not every failure shows: without a thread of its own a loader reads by itself.
      } catch (const std::bad_alloc&) {
        allocations::until_failure = 0;
      } catch (const lo::error& failure) {
        allocations::until_failure = 0;
        CHECK(std::string(failure.what()).find("out of memory: asked for ") == 0);
      }
      if (!done) after(with);
    }
    CHECK(allocations::alive.load() == alive);
    if (done) return n - 1;
    REQUIRE(n < 100000);
  }
}

bool same(const lo::stored_run<float>& a, const lo::stored_run<float>& b) {
  return a.arrays == b.arrays && a.updates == b.updates && a.counts == b.counts && a.state.epoch == b.state.epoch &&
         a.state.step == b.state.step && a.state.supervision == b.state.supervision &&
         a.state.report.epochs.size() == b.state.report.epochs.size();
}

struct nothing {};

/// Where JSON is read or written, what is smaller is its own: nlohmann-json 3.11 allocates in its destructor, and ends
/// the program where that fails.
constexpr std::size_t beyond_json = 4096;

}  // namespace

TEST_CASE("allocation: any that fails in the making of a model and a trainer leaves nothing behind") {
  const std::size_t tried = fail_each([] { return nothing(); }, [](nothing) { const job made; }, [](nothing) {});
  CHECK(tried > 20);
}

TEST_CASE("allocation: any that fails in a run ends it, and the trainer runs again") {
  job().fit();  // what the program keeps from its first use
  const auto made = [] { return std::make_unique<job>(); };
  const auto expected = [&] {
    const auto one = made();
    one->fit();
    return one->trainer.report().epochs[0].loss;
  }();
  std::size_t as_new = 0;
  const std::size_t tried = fail_each(
      made, [](const auto& one) { one->fit(); },
      [&](const auto& one) {
        CHECK(one->trainer.report().epochs.size() <= 2);
        one->fit();
        CHECK(one->trainer.report().end == lo::ending::finished);
        CHECK(std::isfinite(one->trainer.report().epochs[1].loss));
        as_new += one->trainer.report().epochs[0].loss == expected ? 1U : 0U;
      });
  CHECK(tried > 100);
  CHECK(as_new > 10);  // those that failed before the first step
}

TEST_CASE(
    "allocation: any that fails where memory is planned leaves a model that predicts, and can be prepared again") {
  const std::vector<float> features(6 * 16, 0.25F);
  const auto made = [] {
    auto one = std::make_unique<model>();
    one->prepare({.batch = 4, .samples = 12});
    return one;
  };
  const std::vector<float> expected = made()->predict(features, 6);
  const std::vector<std::uint32_t> labels(6, 1);
  const std::vector<std::uint32_t> indices{0, 1, 2, 3, 4, 5};
  const lo::step_options how{.boundary = 2, .local_rate = 1e-3, .labels = labels, .indices = indices};
  const std::size_t tried = fail_each(
      made, [](const auto& one) { one->prepare({.batch = 6, .samples = 12}); },
      [&](const auto& one) {
        CHECK_THROWS_AS(one->forward(features, 6, how), lo::error);
        CHECK(one->predict(features, 6) == expected);
        one->prepare({.batch = 6, .samples = 12});
        CHECK_NOTHROW(one->forward(features, 6, how));
      });
  CHECK(tried >= 4);
}

TEST_CASE("allocation: any that fails while a checkpoint is written leaves the one that was there") {
  const temporary_folder here;
  const fs::path file = here.path / "file";
  const auto made = [] {
    auto one = std::make_unique<job>();
    one->fit();
    return one;
  };
  lo::io::save(made()->trainer, file);
  const auto before = lo::io::read_checkpoint<float>(file);
  const std::size_t tried = fail_each(
      made, [&](const auto& one) { lo::io::save(one->trainer, file); },
      [&](const auto&) {
        CHECK(here.names() == std::vector<std::string>{"file"});
        CHECK(same(lo::io::read_checkpoint<float>(file), before));
      },
      beyond_json);
  CHECK(tried > 5);
}

TEST_CASE("allocation: any that fails while a run is taken back changes nothing") {
  const temporary_folder here;
  const fs::path file = here.path / "file";
  job first;
  first.fit();
  lo::io::save(first.trainer, file);
  const auto made = [] { return std::make_unique<job>(); };
  const auto fresh = lo::store(made()->trainer);
  const auto unchanged = [&](const auto& one) {
    auto now = lo::store(one->trainer);
    now.arrays.erase("errors");  // room for them may have been made
    CHECK(same(now, fresh));
  };
  const auto stored = lo::io::read_checkpoint<float>(file);
  CHECK_FALSE(same(stored, fresh));
  CHECK(fail_each(
            made, [&](const auto& one) { lo::restore(one->trainer, stored); }, unchanged) > 100);
  CHECK(fail_each(
            made, [&](const auto& one) { lo::io::resume(one->trainer, file); }, unchanged, beyond_json) > 5);
}

TEST_CASE("allocation: any that fails behind the header of a file of weights changes none of them") {
  const temporary_folder here;
  const fs::path file = here.path / "file";
  const auto values = [](const model& m) {
    std::vector<float> all;
    m.for_each_parameter(
        [&](const lo::operation&, const auto& p) { all.insert(all.end(), p.value, p.value + p.size()); });
    return all;
  };
  const model stored({.seed = 1});
  lo::io::save_state_dict(stored, file, lo::io::torch_names::features);
  model own({.seed = 2});
  const std::vector<float> before = values(own);
  const auto load = [&] { lo::io::load_state_dict(own, file, lo::io::torch_names::features); };
  load();  // what the program keeps from its first use
  constexpr std::size_t many = 1000000;
  allocations::least = 0;
  allocations::until_failure = many;
  load();
  const std::size_t needed = many - allocations::until_failure.exchange(0);
  CHECK(values(own) == values(stored));
  for (std::size_t last = 0; last < 40; ++last) {  // the header's are before
    CAPTURE(last);
    model fresh({.seed = 2});
    std::swap(own, fresh);
    allocations::until_failure = needed - last;
    CHECK_THROWS_AS(load(), std::bad_alloc);
    allocations::until_failure = 0;
    CHECK(values(own) == before);
  }
}

TEST_CASE("allocation: what is too large says how many bytes of which kind it wants") {
  model m;
  m.prepare({.batch = 4, .samples = 4});
  std::string message;
  try {
    m.prepare({.batch = 4, .samples = std::size_t{1} << 55});
  } catch (const lo::error& failure) {
    message = failure.what();
  }
  CHECK(message.find("out of memory: asked for 432345564227567616 bytes for rules' states; in use here: ") == 0);
  CHECK(message.find("; model::prepare: a batch of 4 needs an arena of ") != std::string::npos);
  CHECK(message.find(" bytes, which activations (") != std::string::npos);
  const std::vector<float> features(16, 0.5F);
  CHECK_THROWS_WITH_AS(m.forward(features, 1, {}), "model::forward: expected a call of prepare() before, found none",
                       lo::config_error);
  CHECK(m.predict(features, 1).size() == 3);
}
