#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include <localis/core/backend.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/memory.hpp>
#include <localis/core/shape.hpp>
#include <localis/fwd.hpp>
#include <localis/rule/rule.hpp>

namespace localis::reference {

/// Plain loops on one thread, written from the definitions: no unfolding, no tiles, no matrix library. Slow, and what
/// the other backends are tested against. Its scalar is double.
template <class Scalar = double>
class backend {
 public:
  using scalar = Scalar;
  using memory = host_memory;
  template <class T>
  using array = buffer<T, host_memory>;
  static constexpr const char* name = "reference";

  backend() : memory_(std::make_shared<host_memory>()) {}

  [[nodiscard]] std::size_t threads() const { return 1; }
  [[nodiscard]] memory_counters& counters() const { return memory_->counters(); }
  [[nodiscard]] static std::string instructions() { return "plain loops"; }

  template <class T>
  [[nodiscard]] array<T> allocate(memory_kind kind, std::size_t size) const {
    return array<T>(memory_, kind, size);
  }
  template <class T>
  void upload(std::span<const T> from, T* to) const {
    std::copy(from.begin(), from.end(), to);
  }
  template <class T>
  void download(const T* from, std::span<T> to) const {
    std::copy(from, from + to.size(), to.begin());
  }
  void copy(const Scalar* from, std::size_t size, Scalar* to) const { std::copy(from, from + size, to); }

  template <class Kernel>
  void for_rows(std::size_t rows, std::size_t columns, const Kernel& f) const {
    static_assert(std::is_trivially_copyable_v<Kernel>, "localis: a kernel is a trivially copyable function object");
    for (std::size_t row = 0; row < rows; ++row) f(row, 0, columns);
  }
  template <class Kernel>
  void for_samples(std::size_t samples, std::size_t, std::size_t channels, const Kernel& f) const {
    for_rows(samples, channels, f);
  }
  template <class Kernel>
  void reduce_columns(std::size_t rows, std::size_t columns, std::size_t count, const Kernel& f, Scalar* sums,
                      carver) const {
    std::fill(sums, sums + count * columns, Scalar(0));
    for (std::size_t row = 0; row < rows; ++row) f(row, 0, columns, sums);
  }
  void reduce_scratch(std::size_t, std::size_t, std::size_t, carver&) const {}

  void respond(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w, const Scalar* bias,
               Scalar* u, carver) const {
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        Scalar sum = 0;
        for_window(map, p, [&](std::size_t i, std::size_t at) { sum += x[at] * w[o * map.inputs() + i]; });
        u[p * map.outputs() + o] = bias == nullptr ? sum : sum + bias[o];
      }
    }
  }
  void respond_scratch(const linear_map&, std::size_t, carver&) const {}

  template <class Rule>
  void respond_and_learn(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* w,
                         const Scalar* bias, Scalar* u, const Rule& rule, accumulators<Scalar> sums,
                         carver scratch) const {
    respond(map, samples, x, w, nullptr, u, scratch);
    Scalar* gates = scratch.take<Scalar>(map.outputs());
    std::fill(sums.sum, sums.sum + map.weights(), Scalar(0));
    std::fill(sums.forget, sums.forget + map.outputs(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      Scalar* responses = u + p * map.outputs();
      rule::gate_row(rule, static_cast<const Scalar*>(responses), gates, map.outputs());
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        sums.forget[o] += gates[o] * rule::recall(rule, responses[o]);
        for_window(map, p, [&](std::size_t i, std::size_t at) { sums.sum[o * map.inputs() + i] += gates[o] * x[at]; });
        if (bias != nullptr) responses[o] += bias[o];
      }
    }
  }
  void learn_scratch(const linear_map& map, std::size_t, carver& scratch) const {
    (void)scratch.take<Scalar>(map.outputs());
  }

  void weight_gradient(const linear_map& map, std::size_t samples, const Scalar* x, const Scalar* d, Scalar* dw,
                       Scalar* db, carver) const {
    std::fill(dw, dw + map.weights(), Scalar(0));
    if (db != nullptr) std::fill(db, db + map.outputs(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar error = d[p * map.outputs() + o];
        for_window(map, p, [&](std::size_t i, std::size_t at) { dw[o * map.inputs() + i] += error * x[at]; });
        if (db != nullptr) db[o] += error;
      }
    }
  }
  void weight_gradient_scratch(const linear_map&, std::size_t, carver&) const {}

  void input_gradient(const linear_map& map, std::size_t samples, const Scalar* d, const Scalar* w, Scalar* dx,
                      carver) const {
    std::fill(dx, dx + samples * map.in.size(), Scalar(0));
    for (std::size_t p = 0; p < map.rows(samples); ++p) {
      for (std::size_t o = 0; o < map.outputs(); ++o) {
        const Scalar error = d[p * map.outputs() + o];
        for_window(map, p, [&](std::size_t i, std::size_t at) { dx[at] += error * w[o * map.inputs() + i]; });
      }
    }
  }
  void input_gradient_scratch(const linear_map&, std::size_t, carver&) const {}

 private:
  /// body(i, at): weight column i meets input element `at`, for each element that the window of output row p sees.
  template <class Body>
  static void for_window(const linear_map& map, std::size_t p, const Body& body) {
    const std::size_t sample = p / map.out.positions();
    const std::size_t position = p % map.out.positions();
    const std::size_t out_y = position / map.out.width;
    const std::size_t out_x = position % map.out.width;
    for (std::size_t r = 0; r < map.field.height; ++r) {
      for (std::size_t c = 0; c < map.field.width; ++c) {
        const std::size_t y = out_y * map.field.stride + r;
        const std::size_t x = out_x * map.field.stride + c;
        if (y < map.field.padding || y - map.field.padding >= map.in.height) continue;
        if (x < map.field.padding || x - map.field.padding >= map.in.width) continue;
        const std::size_t pixel =
            (sample * map.in.height + y - map.field.padding) * map.in.width + x - map.field.padding;
        for (std::size_t channel = 0; channel < map.in.channels; ++channel) {
          body((r * map.field.width + c) * map.in.channels + channel, pixel * map.in.channels + channel);
        }
      }
    }
  }

  std::shared_ptr<host_memory> memory_;
};

static_assert(localis::backend<backend<double>>);

}  // namespace localis::reference
