#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <localis/core/backend.hpp>
#include <localis/core/carver.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/kernel/activation.hpp>
#include <localis/kernel/follow_up.hpp>

/// What a backend does with a linear map, against the definitions.
namespace localis_test {

namespace lo = localis;
using numbers = std::vector<double>;

/// What a rule's gate is to a backend; depends on the row, so that rows cannot be taken for each other. With `winners`,
/// only so many gates are not 0.
template <class T>
struct row_gate {
  std::size_t units;
  std::size_t winners = 0;
  void see(const T* u, T* z) const {
    for (std::size_t o = 0; o < units; ++o) z[o] = T(2) * u[o] + T(0.5);
  }
  void operator()(std::size_t row, const T* z, T* gates, T* sums, T* = nullptr) const {
    for (std::size_t o = 0; o < units; ++o) {
      const bool wins = winners == 0 || (o + row) % units < winners;
      gates[o] = wins ? z[o] * (T(1) + T(0.01) * static_cast<T>(row)) : T(0);
      sums[o] += gates[o] * z[o];
      sums[units + o] += gates[o];
    }
  }
};

inline numbers normal(std::size_t size, std::uint64_t stream) {
  const lo::random_stream random(31, stream);
  numbers x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = random.normal(i);
  return x;
}

/// Everything the verbs give back, in one row.
struct results {
  numbers u, gradient, bias_gradient, input_gradient;
  numbers response, sum, unit, input;
  numbers followed, learned_followed, moments, learned_moments, pooled;
};

/// A layer, a batch and what is learned from it.
struct problem {
  lo::linear_map map;
  std::size_t samples;
  lo::learn_options how;
  bool through_others;  ///< gates see the input through other weights
  bool bias;

  numbers x = normal(samples * map.in.size(), 1);
  numbers w = normal(map.weights(), 2);
  numbers h = normal(map.weights(), 3);
  numbers b = normal(map.outputs(), 4);
  numbers d = normal(map.rows(samples) * map.outputs(), 5);
  numbers scale = normal(map.outputs(), 6);
  numbers shift = normal(map.outputs(), 7);
  numbers center = normal(map.outputs(), 8);
};

constexpr std::size_t pool = 2;

/// What follows the response: where its moments are taken too, or where it is pooled.
template <class T>
lo::kernel::follow_up<T, lo::relu_function> follow(const std::vector<T>& scale, const std::vector<T>& shift,
                                                   const T* center, T* moments, std::size_t side = 1) {
  return {scale.data(), shift.data(), center, moments, {}, side};
}

/// From the definitions, in signed arithmetic: what position p of unit o sees as its input i.
inline results slow(const problem& in) {
  const lo::linear_map& map = in.map;
  const std::size_t units = map.outputs();
  const std::size_t inputs = map.inputs();
  const std::size_t rows = map.rows(in.samples);
  const std::size_t channels = map.in.channels / map.groups;               // of a group
  const auto seen_at = [&](std::size_t p, std::size_t o, std::size_t i) {  // -1: padding
    const auto whole = [](std::size_t value) { return static_cast<long>(value); };
    const std::size_t cell = i / channels;
    const long dilation = whole(map.field.dilation);
    const long y = whole(p % map.out.positions() / map.out.width * map.field.stride) - whole(map.field.padding) +
                   whole(cell / map.field.width) * dilation;
    const long x = whole(p % map.out.width * map.field.stride) - whole(map.field.padding) +
                   whole(cell % map.field.width) * dilation;
    const long height = whole(map.in.height);
    const long width = whole(map.in.width);
    if (y < 0 || y >= height || x < 0 || x >= width) return -1L;
    return ((whole(p / map.out.positions()) * height + y) * width + x) * whole(map.in.channels) +
           whole(map.group_of(o) * channels + i % channels);
  };
  const auto seen = [&](std::size_t p, std::size_t o, std::size_t i) {
    const long at = seen_at(p, o, i);
    return at < 0 ? 0.0 : in.x[static_cast<std::size_t>(at)];
  };
  results out;
  out.u.assign(rows * units, 0);
  out.response = out.u;
  out.gradient.assign(map.weights(), 0);
  out.sum = out.gradient;
  out.input.assign(map.seen(), 0);
  out.bias_gradient.assign(units, 0);
  out.unit.assign(2 * units, 0);
  out.input_gradient.assign(in.x.size(), 0);
  const row_gate<double> gate{units, in.how.active_gates};
  for (std::size_t p = 0; p < rows; ++p) {
    numbers plain(units, 0.0);
    numbers other(units, 0.0);
    for (std::size_t o = 0; o < units; ++o) {
      const double error = in.d[p * units + o];
      for (std::size_t i = 0; i < inputs; ++i) {
        const double x = seen(p, o, i);
        plain[o] += in.w[o * inputs + i] * x;
        other[o] += in.h[o * inputs + i] * x;
        out.gradient[o * inputs + i] += error * x;
        const long at = seen_at(p, o, i);
        if (at >= 0) out.input_gradient[static_cast<std::size_t>(at)] += error * in.w[o * inputs + i];
      }
      out.bias_gradient[o] += error;
      out.u[p * units + o] = plain[o] + (in.bias ? in.b[o] : 0);
      if (in.how.responded) plain[o] = error;  // the caller's own numbers
      out.response[p * units + o] = plain[o] + (in.bias ? in.b[o] : 0);
    }
    if (p < in.how.rows.first || (p - in.how.rows.first) % in.how.rows.every != 0) continue;
    numbers signal = in.through_others ? other : plain;
    if (in.how.sees_other) gate.see(signal.data(), signal.data());
    numbers gates(units);
    gate(p, signal.data(), gates.data(), out.unit.data());
    for (std::size_t o = 0; o < units; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) out.sum[o * inputs + i] += gates[o] * seen(p, o, i);
    }
    for (std::size_t g = 0; g < map.groups; ++g) {
      for (std::size_t i = 0; i < inputs; ++i) out.input[g * inputs + i] += seen(p, g * units / map.groups, i);
    }
  }
  const auto after = [&](const numbers& u) {
    numbers y(u.size());
    for (std::size_t i = 0; i < u.size(); ++i) {
      y[i] = std::max(0.0, u[i] * in.scale[i % units] + in.shift[i % units]);
    }
    return y;
  };
  out.followed = after(out.u);
  out.learned_followed = after(out.response);
  const auto moments = [&](const numbers& u) {
    numbers sums(2 * units, 0.0);
    for (std::size_t i = 0; i < u.size(); ++i) {
      const double off = u[i] - in.center[i % units];
      sums[i % units] += off;
      sums[units + i % units] += off * off;
    }
    return sums;
  };
  out.moments = moments(out.u);
  out.learned_moments = moments(out.response);
  const std::size_t high = map.out.height / pool;
  const std::size_t wide = map.out.width / pool;
  out.pooled.assign(in.samples * high * wide * units, 0);
  for (std::size_t i = 0; i < out.pooled.size(); ++i) {
    const std::size_t p = i / units;
    const std::size_t top = p / wide % high * pool;
    const std::size_t left = p % wide * pool;
    for (std::size_t cell = 0; cell < pool * pool; ++cell) {
      const std::size_t y = p / wide / high * map.out.height + top + cell / pool;
      out.pooled[i] =
          std::max(out.pooled[i], out.followed[(y * map.out.width + left + cell % pool) * units + i % units]);
    }
  }
  return out;
}

/// What a backend gives back; all that it leaves alone stays not-a-number.
template <class Backend>
results run(const problem& in, const Backend& backend) {
  using T = typename Backend::scalar;
  const double nothing = std::nan("");
  const std::size_t units = in.map.outputs();
  const auto from = [](const numbers& v) { return std::vector<T>(v.begin(), v.end()); };
  const auto to = [](const std::vector<T>& v) { return numbers(v.begin(), v.end()); };
  const std::vector<T> x = from(in.x), w = from(in.w), h = from(in.h), b = from(in.b), d = from(in.d);
  std::vector<T> u(d.size(), static_cast<T>(nothing));
  std::vector<T> learned_u = u;
  std::vector<T> gradient(w.size(), static_cast<T>(nothing));
  std::vector<T> sum = gradient;
  std::vector<T> input(in.map.seen(), static_cast<T>(nothing));
  std::vector<T> bias_gradient(units, static_cast<T>(nothing));
  std::vector<T> unit(2 * units, static_cast<T>(nothing));
  std::vector<T> input_gradient(x.size(), static_cast<T>(nothing));

  // One block of exactly what the twin of each verb asks for, full of NaN.
  std::vector<std::max_align_t> block;
  std::vector<std::byte*> ends;
  const auto scratch = [&](auto measure) {
    lo::carver pieces;
    measure(pieces);
    block.assign((pieces.used() + 128) / sizeof(std::max_align_t), {});
    auto* bytes = reinterpret_cast<std::byte*>(block.data());
    std::fill(bytes, bytes + block.size() * sizeof(std::max_align_t), std::byte{0xFF});
    ends.push_back(bytes + pieces.used());
    return lo::carver(bytes);
  };
  const auto kept_within = [&] {
    return std::all_of(ends.back(), ends.back() + 32, [](std::byte value) { return value == std::byte{0xFF}; });
  };
  const std::size_t n = in.samples;
  const T* bias = in.bias ? b.data() : nullptr;
  backend.respond(in.map, n, x.data(), w.data(), bias, u.data(),
                  scratch([&](auto& m) { backend.respond_scratch(in.map, n, m); }));
  CHECK(kept_within());
  if (in.how.responded) learned_u = d;
  backend.respond_and_learn(in.map, n, x.data(), w.data(), bias, learned_u.data(),
                            row_gate<T>{units, in.how.active_gates}, in.how, in.through_others ? h.data() : nullptr,
                            {sum.data(), unit.data(), nullptr, in.how.inputs ? input.data() : nullptr},
                            scratch([&](auto& m) { backend.learn_scratch(in.map, n, in.how, m); }));
  CHECK(kept_within());
  backend.weight_gradient(in.map, n, x.data(), d.data(), gradient.data(), in.bias ? bias_gradient.data() : nullptr,
                          scratch([&](auto& m) { backend.weight_gradient_scratch(in.map, n, m); }));
  CHECK(kept_within());
  backend.input_gradient(in.map, n, d.data(), w.data(), input_gradient.data(),
                         scratch([&](auto& m) { backend.input_gradient_scratch(in.map, n, m); }));
  CHECK(kept_within());

  // The same with what follows, in the same pass.
  const std::vector<T> scale = from(in.scale), shift = from(in.shift), center = from(in.center);
  std::vector<T> followed(d.size(), static_cast<T>(nothing));
  std::vector<T> learned_followed = in.how.responded ? d : followed;
  std::vector<T> moments(2 * units, static_cast<T>(nothing));
  std::vector<T> learned_moments = moments;
  std::vector<T> pooled;
  backend.respond(in.map, n, x.data(), w.data(), bias, followed.data(),
                  scratch([&](auto& m) { backend.respond_scratch(in.map, n, m, {.follows = true}); }),
                  follow(scale, shift, center.data(), moments.data()));
  CHECK(kept_within());
  backend.respond_and_learn(in.map, n, x.data(), w.data(), bias, learned_followed.data(),
                            row_gate<T>{units, in.how.active_gates}, in.how, in.through_others ? h.data() : nullptr,
                            {sum.data(), unit.data(), nullptr, in.how.inputs ? input.data() : nullptr},
                            scratch([&](auto& m) { backend.learn_scratch(in.map, n, in.how, m, {.follows = true}); }),
                            follow(scale, shift, center.data(), learned_moments.data()));
  CHECK(kept_within());
  if (backend.pools(in.map)) {
    pooled.assign(n * (in.map.out.height / pool) * (in.map.out.width / pool) * units, static_cast<T>(nothing));
    backend.respond(in.map, n, x.data(), w.data(), bias, pooled.data(),
                    scratch([&](auto& m) { backend.respond_scratch(in.map, n, m, {.follows = true, .pool = pool}); }),
                    follow<T>(scale, shift, nullptr, nullptr, pool));
    CHECK(kept_within());
    if (!in.how.responded && !in.through_others) {
      backend.respond_and_learn(
          in.map, n, x.data(), w.data(), bias, pooled.data(), row_gate<T>{units, in.how.active_gates}, in.how, nullptr,
          {sum.data(), unit.data(), nullptr, in.how.inputs ? input.data() : nullptr},
          scratch([&](auto& m) { backend.learn_scratch(in.map, n, in.how, m, {.follows = true, .pool = pool}); }),
          follow(scale, shift, center.data(), moments.data(), pool));
      CHECK(kept_within());
    }
  }
  return {to(u),     to(gradient), to(bias_gradient),    to(input_gradient), to(learned_u),       to(sum),   to(unit),
          to(input), to(followed), to(learned_followed), to(moments),        to(learned_moments), to(pooled)};
}

inline void agree(const char* what, const numbers& found, const numbers& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  double scale = 0;
  double apart = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    scale = std::max(scale, std::abs(expected[i]));
    const double difference = std::abs(found[i] - expected[i]);
    apart = difference <= apart ? apart : difference;  // NaN too
  }
  CAPTURE(what);
  CHECK(apart <= tolerance * scale);
}

template <class Backend>
void check_problem(const problem& in, const Backend& backend, double tolerance) {
  CAPTURE(in.map.in);
  CAPTURE(in.map.out);
  CAPTURE(in.map.field.height);
  CAPTURE(in.map.field.width);
  CAPTURE(in.map.field.stride);
  CAPTURE(in.map.field.padding);
  CAPTURE(in.map.field.dilation);
  CAPTURE(in.samples);
  CAPTURE(in.how.rows.first);
  CAPTURE(in.how.rows.every);
  CAPTURE(backend.threads());
  const results expected = slow(in);
  const results found = run(in, backend);
  agree("response", found.u, expected.u, tolerance);
  agree("response of the pass that learns", found.response, expected.response, tolerance);
  agree("sum of gates times inputs", found.sum, expected.sum, tolerance);
  agree("sums by unit", found.unit, expected.unit, tolerance);
  if (in.how.inputs) agree("sum of inputs", found.input, expected.input, tolerance);
  agree("weight gradient", found.gradient, expected.gradient, tolerance);
  if (in.bias) agree("bias gradient", found.bias_gradient, expected.bias_gradient, tolerance);
  agree("input gradient", found.input_gradient, expected.input_gradient, tolerance);
  agree("what follows", found.followed, expected.followed, tolerance);
  agree("what follows learning", found.learned_followed, expected.learned_followed, tolerance);
  agree("moments", found.moments, expected.moments, tolerance);
  agree("moments of the pass that learns", found.learned_moments, expected.learned_moments, tolerance);
  if (backend.pools(in.map)) agree("what is pooled", found.pooled, expected.pooled, tolerance);
}

}  // namespace localis_test
