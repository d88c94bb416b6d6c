#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <localis/backend/concept.hpp>
#include <localis/core/random.hpp>
#include <localis/core/shape.hpp>
#include <localis/core/workspace.hpp>
#include <localis/kernel/epilogue.hpp>
#include <localis/math/activation.hpp>

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
  static constexpr bool whole_rows = false;
  static constexpr bool selects = true;
  constexpr void see(std::size_t begin, std::size_t end, const T* u, T* z) const {
    for (std::size_t o = begin; o < end; ++o) z[o] = T(2) * u[o] + T(0.5);
  }
  constexpr void open(std::size_t row, std::size_t begin, std::size_t end, const T* z, T* gates, T*) const {
    for (std::size_t o = begin; o < end; ++o) {
      const bool wins = winners == 0 || (o + row) % units < winners;
      gates[o] = wins ? z[o] * (T(1) + T(0.01) * static_cast<T>(row)) : T(0);
    }
  }
  constexpr void add(std::size_t begin, std::size_t end, const T* z, const T* gates, T* sums) const {
    for (std::size_t o = begin; o < end; ++o) {
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
  numbers u, gradient, bias_gradient, input_gradient, added_gradient;
  numbers response, sum, unit, input;
  numbers followed, learned_followed, moments, learned_moments, pooled;
  numbers trained_u, trained_moments;  ///< where the epilogue takes the moments alone
};

/// A layer, a batch and what is learned from it.
struct problem {
  lo::linear_map map;
  std::size_t samples;
  lo::learn_options options;
  bool has_bias;

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
    const long y = whole(p % map.out.positions() / map.out.width * map.field.stride.height) -
                   whole(map.field.padding.height) + whole(cell / map.field.width * map.field.dilation.height);
    const long x = whole(p % map.out.width * map.field.stride.width) - whole(map.field.padding.width) +
                   whole(cell % map.field.width * map.field.dilation.width);
    const long height = whole(map.in.height);
    const long width = whole(map.in.width);
    if (y < 0 || y >= height || x < 0 || x >= width) return -1L;
    return ((whole(p / map.out.positions()) * height + y) * width + x) * whole(map.in.channels) +
           whole(map.group_of(o) * channels + i % channels);
  };
  const auto seen = [&](std::size_t p, std::size_t o, std::size_t i) {
    const long index = seen_at(p, o, i);
    return index < 0 ? 0.0 : in.x[static_cast<std::size_t>(index)];
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
  const row_gate<double> gate{units, in.options.active_gates};
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
        const long index = seen_at(p, o, i);
        if (index >= 0) out.input_gradient[static_cast<std::size_t>(index)] += error * in.w[o * inputs + i];
      }
      out.bias_gradient[o] += error;
      out.u[p * units + o] = plain[o] + (in.has_bias ? in.b[o] : 0);
      if (in.options.response_is_given) plain[o] = error;  // the caller's own numbers
      out.response[p * units + o] = plain[o] + (in.has_bias ? in.b[o] : 0);
    }
    if (p < in.options.rows.first || (p - in.options.rows.first) % in.options.rows.every != 0) continue;
    numbers signal = in.options.signal == lo::gate_signal::reweighted ? other : plain;
    if (in.options.signal != lo::gate_signal::response) gate.see(0, units, signal.data(), signal.data());
    numbers gates(units);
    gate.open(p, 0, units, signal.data(), gates.data(), nullptr);
    gate.add(0, units, signal.data(), gates.data(), out.unit.data());
    for (std::size_t o = 0; o < units; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) out.sum[o * inputs + i] += gates[o] * seen(p, o, i);
    }
    for (std::size_t g = 0; g < map.groups; ++g) {
      for (std::size_t i = 0; i < inputs; ++i) out.input[g * inputs + i] += seen(p, g * units / map.groups, i);
    }
  }
  out.added_gradient = in.x;
  for (std::size_t i = 0; i < in.x.size(); ++i) out.added_gradient[i] += out.input_gradient[i];
  const auto epilogue = [&](const numbers& u) {
    numbers y(u.size());
    for (std::size_t i = 0; i < u.size(); ++i) {
      y[i] = std::max(0.0, u[i] * in.scale[i % units] + in.shift[i % units]);
    }
    return y;
  };
  out.followed = epilogue(out.u);
  out.learned_followed = epilogue(out.response);
  const auto moments = [&](const numbers& u) {
    numbers sums(2 * units, 0.0);
    for (std::size_t i = 0; i < u.size(); ++i) {
      const double deviation = u[i] - in.center[i % units];
      sums[i % units] += deviation;
      sums[units + i % units] += deviation * deviation;
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
  using array = typename Backend::template array<T>;
  const std::size_t units = in.map.outputs();
  const auto array_of = [&](const numbers& v) {
    const std::vector<T> host(v.begin(), v.end());
    array result = backend.template allocate<T>(lo::memory_kind::parameters, v.size());
    backend.upload(std::span<const T>(host), result.data());
    return result;
  };
  const auto nothing = [&](std::size_t size) { return array_of(numbers(size, std::nan(""))); };
  const auto numbers_of = [&](const array& a) {
    std::vector<T> host(a.size());
    backend.download(static_cast<const T*>(a.data()), std::span<T>(host));
    return numbers(host.begin(), host.end());
  };
  const array x = array_of(in.x), w = array_of(in.w), h = array_of(in.h), b = array_of(in.b), d = array_of(in.d);
  const array u = nothing(in.d.size()), gradient = nothing(in.w.size()), sum = nothing(in.w.size());
  const array learned_u = in.options.response_is_given ? array_of(in.d) : nothing(in.d.size());
  const array input = nothing(in.map.seen()), bias_gradient = nothing(units), unit = nothing(2 * units);
  const array input_gradient = nothing(in.x.size()), added_gradient = array_of(in.x);

  // One block of exactly what the twin of each verb asks for, full of NaN, as is what lies behind it.
  typename Backend::template array<std::byte> block;
  std::size_t end = 0;
  constexpr std::size_t margin = 32;
  const auto scratch = [&](auto measure) {
    lo::workspace pieces;
    measure(pieces, in.samples);
    end = pieces.used();
    for (std::size_t fewer = 1; fewer < in.samples; ++fewer) {
      CAPTURE(fewer);
      lo::workspace less;
      measure(less, fewer);
      CHECK(less.used() <= end);  // the scratch of a batch is that of its largest
    }
    const std::vector<std::byte> full(end + margin, std::byte{0xFF});
    block = backend.template allocate<std::byte>(lo::memory_kind::arena, full.size());
    backend.upload(std::span<const std::byte>(full), block.data());
    return lo::workspace(block.data());
  };
  const auto kept_within = [&] {
    std::vector<std::byte> rest(margin);
    backend.download(static_cast<const std::byte*>(block.data() + end), std::span<std::byte>(rest));
    return std::all_of(rest.begin(), rest.end(), [](std::byte value) { return value == std::byte{0xFF}; });
  };
  const std::size_t n = in.samples;
  const T* bias = in.has_bias ? b.data() : nullptr;
  const auto response = [&](const array& target) {
    return lo::response_arguments<T>{.samples = n, .x = x.data(), .w = w.data(), .bias = bias, .u = target.data()};
  };
  const lo::learning_arguments<T, row_gate<T>> learning{
      .gate = {.units = units, .winners = in.options.active_gates},
      .options = in.options,
      .h = in.options.signal == lo::gate_signal::reweighted ? h.data() : nullptr,
      .sums = {.sum = sum.data(), .unit = unit.data(), .input = in.options.sums_inputs ? input.data() : nullptr}};
  backend.respond(in.map, response(u),
                  scratch([&](auto& m, std::size_t samples) { backend.respond_scratch(in.map, samples, m); }));
  CHECK(kept_within());
  backend.respond_and_learn(in.map, response(learned_u), learning, scratch([&](auto& m, std::size_t samples) {
                              backend.learn_scratch(in.map, samples, in.options, m);
                            }));
  CHECK(kept_within());
  backend.weight_gradient(
      in.map,
      {.samples = n,
       .x = x.data(),
       .d = d.data(),
       .dw = gradient.data(),
       .db = in.has_bias ? bias_gradient.data() : nullptr},
      scratch([&](auto& m, std::size_t samples) { backend.weight_gradient_scratch(in.map, samples, m); }));
  CHECK(kept_within());
  const auto find_input_gradient = [&](const array& target, lo::kernel::store mode) {
    backend.input_gradient(
        in.map, {.samples = n, .d = d.data(), .w = w.data(), .dx = target.data(), .mode = mode},
        scratch([&](auto& m, std::size_t samples) { backend.input_gradient_scratch(in.map, samples, m); }));
    CHECK(kept_within());
  };
  find_input_gradient(input_gradient, lo::kernel::store::replace);
  find_input_gradient(added_gradient, lo::kernel::store::add);

  // The same with what follows, in the same pass.
  const array scale = array_of(in.scale), shift = array_of(in.shift), center = array_of(in.center);
  const array followed = nothing(in.d.size());
  const array learned_followed = in.options.response_is_given ? array_of(in.d) : nothing(in.d.size());
  const array moments = nothing(2 * units), learned_moments = nothing(2 * units), pooled_moments = nothing(2 * units);
  const auto follow = [&](const T* centers, const array& target, std::size_t side) {
    return lo::kernel::epilogue<T, lo::relu_function>{scale.data(), shift.data(), centers, target.data(), {}, side};
  };
  backend.respond(in.map, response(followed), scratch([&](auto& m, std::size_t samples) {
                    backend.respond_scratch(in.map, samples, m, {.present = true});
                  }),
                  follow(center.data(), moments, 1));
  CHECK(kept_within());
  backend.respond_and_learn(in.map, response(learned_followed), learning, scratch([&](auto& m, std::size_t samples) {
                              backend.learn_scratch(in.map, samples, in.options, m, {.present = true});
                            }),
                            follow(center.data(), learned_moments, 1));
  CHECK(kept_within());
  const array trained_u = nothing(in.d.size()), trained_moments = nothing(2 * units);
  backend.respond(
      in.map, response(trained_u),
      scratch([&](auto& m, std::size_t samples) { backend.respond_scratch(in.map, samples, m, {.present = true}); }),
      lo::kernel::epilogue<T, lo::kernel::no_function>{nullptr, nullptr, center.data(), trained_moments.data(), {}});
  CHECK(kept_within());
  array pooled;
  if (backend.pools(in.map)) {
    const lo::epilogue_options epilogue{.present = true, .pool = pool};
    pooled = nothing(n * (in.map.out.height / pool) * (in.map.out.width / pool) * units);
    backend.respond(in.map, response(pooled), scratch([&](auto& m, std::size_t samples) {
                      backend.respond_scratch(in.map, samples, m, epilogue);
                    }),
                    follow(nullptr, pooled_moments, pool));
    CHECK(kept_within());
    if (!in.options.response_is_given && in.options.signal != lo::gate_signal::reweighted) {
      backend.respond_and_learn(in.map, response(pooled), learning, scratch([&](auto& m, std::size_t samples) {
                                  backend.learn_scratch(in.map, samples, in.options, m, epilogue);
                                }),
                                follow(center.data(), pooled_moments, pool));
      CHECK(kept_within());
    }
  }
  return {numbers_of(u),
          numbers_of(gradient),
          numbers_of(bias_gradient),
          numbers_of(input_gradient),
          numbers_of(added_gradient),
          numbers_of(learned_u),
          numbers_of(sum),
          numbers_of(unit),
          numbers_of(input),
          numbers_of(followed),
          numbers_of(learned_followed),
          numbers_of(moments),
          numbers_of(learned_moments),
          numbers_of(pooled),
          numbers_of(trained_u),
          numbers_of(trained_moments)};
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

/// @param of_sum  of what gates are multiplied with, where those are rounded
template <class Backend>
void check_problem(const problem& in, const Backend& backend, double tolerance, double of_sum = 0) {
  CAPTURE(in.map.in);
  CAPTURE(in.map.out);
  CAPTURE(in.map.field.height);
  CAPTURE(in.map.field.width);
  CAPTURE(in.map.field.stride);
  CAPTURE(in.map.field.padding);
  CAPTURE(in.map.field.dilation);
  CAPTURE(in.samples);
  CAPTURE(in.options.rows.first);
  CAPTURE(in.options.rows.every);
  CAPTURE(backend.threads());
  const results expected = slow(in);
  const results found = run(in, backend);
  agree("response", found.u, expected.u, tolerance);
  agree("response of the pass that learns", found.response, expected.response, tolerance);
  agree("sum of gates times inputs", found.sum, expected.sum, std::max(tolerance, of_sum));
  agree("sums by unit", found.unit, expected.unit, tolerance);
  if (in.options.sums_inputs) agree("sum of inputs", found.input, expected.input, tolerance);
  agree("weight gradient", found.gradient, expected.gradient, tolerance);
  if (in.has_bias) agree("bias gradient", found.bias_gradient, expected.bias_gradient, tolerance);
  agree("input gradient", found.input_gradient, expected.input_gradient, tolerance);
  agree("input gradient, added", found.added_gradient, expected.added_gradient, tolerance);
  agree("what follows", found.followed, expected.followed, tolerance);
  agree("what follows learning", found.learned_followed, expected.learned_followed, tolerance);
  agree("moments", found.moments, expected.moments, tolerance);
  agree("moments of the pass that learns", found.learned_moments, expected.learned_moments, tolerance);
  agree("response of which moments are taken", found.trained_u, expected.u, tolerance);
  agree("moments alone", found.trained_moments, expected.moments, tolerance);
  if (backend.pools(in.map)) agree("what is pooled", found.pooled, expected.pooled, tolerance);
}

/// Windows of every size, stride, padding and dilation; channels and units that fill vectors and leave a rest; learning
/// from all rows and from some, with gates that see other responses, and with most gates 0.
inline std::vector<problem> convolutions() {
  std::vector<problem> all;
  const auto add = [&](const lo::shape& in, std::size_t units, const lo::window& field, std::size_t samples,
                       std::size_t groups = 1) {
    lo::learn_options options;
    options.unit_sums = 2;
    const std::size_t k = all.size();
    options.sums_inputs = k % 2 == 0;
    if (k % 3 != 0) options.signal = k % 6 == 1 ? lo::gate_signal::reweighted : lo::gate_signal::transformed;
    options.response_is_given = k % 4 == 1;
    if (k % 3 == 2 && units >= 8) options.active_gates = 2;
    if (k % 5 != 0) options.rows = {k % 3, 1 + k % 4};
    const lo::linear_map map{in, field.output(in, units), field, groups};
    all.push_back({map, samples, options, k % 3 != 2});
  };
  for (const std::size_t kernel : std::array<std::size_t, 4>{1, 2, 3, 5}) {
    for (const std::size_t stride : std::array<std::size_t, 3>{1, 2, 3}) {
      for (const std::size_t padding : std::array<std::size_t, 3>{0, 1, 2}) {
        add({7, 6, 3}, 4, {kernel, kernel, stride, padding}, 3);
      }
    }
  }
  for (const std::size_t units : std::array<std::size_t, 7>{1, 8, 16, 24, 33, 49, 70}) {
    add({5, 4, 2}, units, {3, 3, 1, 1}, 3);
    add({4, 4, 9}, units, {3, 3, 1, 0}, 2);
  }
  // Pixels of three colours, panels of two and of three vectors, whole and not.
  for (const std::size_t units : std::array<std::size_t, 4>{32, 64, 88, 96}) {
    add({8, 7, 3}, units, {3, 3, 1, 1}, 2);
    add({8, 7, 3}, units, {5, 5, 1, 2}, 2);
  }
  add({9, 8, 3}, 64, {7, 7, 2, 3}, 4);
  // Channels that fill an even number of cache lines, in both scalars.
  add({5, 6, 32}, 17, {3, 3, 1, 1}, 2);
  add({6, 5, 64}, 5, {3, 3, 2, 1}, 2);
  add({7, 8, 3}, 6, {3, 3, 1, 2, 2}, 2);
  add({7, 8, 32}, 6, {2, 2, 2, 1, 3}, 2);
  // Not a square: in the kernel, and along one axis in stride, padding and dilation too.
  add({9, 8, 1}, 5, {2, 4, 1, 1}, 2);
  add({1, 12, 3}, 4, {1, 5, 1, {0, 2}}, 3);
  add({1, 13, 8}, 9, {1, 3, {1, 2}, {0, 1}}, 3);
  add({1, 14, 2}, 5, {1, 3, 1, {0, 4}, {1, 3}}, 2);
  add({8, 6, 3}, 4, {5, 1, {2, 1}, {2, 0}}, 2);
  add({7, 9, 4}, 6, {3, 2, {1, 3}, {2, 1}, {1, 2}}, 2);
  add({9, 7, 32}, 5, {2, 3, {3, 1}, {0, 2}, {2, 1}}, 2);
  add({7, 9, 4}, 6, {3, 2, {2, 1}, {1, 0}, {2, 3}}, 2, 2);
  add({6, 5, 8}, 12, {1, 3, {2, 1}, {0, 1}}, 2, 4);
  add({7, 9, 4}, 4, {3, 2, {2, 1}, {1, 0}, {1, 2}}, 2, 4);
  add({6, 5, 7}, 4, {1, 1, {1, 2}}, 2);
  add({6, 5, 7}, 4, {1, 1, 1, {1, 0}}, 2);
  add({3, 4, 5}, 4, {5, 5, 1, 2}, 2);  // a window larger than the map
  add({2, 3, 4}, 3, {3, 3, 1, 3}, 2);  // windows of padding alone
  add({2, 3, 4}, 3, {3, 3, 2, 4}, 2);
  add({7, 5, 2}, 4, {2, 2, 3, 0}, 2);  // pixels that no window sees
  add({1, 1, 6}, 9, {3, 3, 1, 1}, 5);
  for (const std::size_t inputs : std::array<std::size_t, 3>{7, 33, 6}) add({1, 1, inputs}, 9, {}, 11);  // dense
  add({6, 5, 8}, 12, {3, 3, 1, 1}, 2, 4);
  add({40, 3, 8}, 3, {3, 3, 1, 1}, 2);  // an image in several tiles, below
  add({40, 3, 8}, 3, {3, 3, 2, 1}, 2);
  add({3, 2, 4}, 5, {3, 3, 1, 1}, 31);  // many images in a tile
  // More rows left out than one image has.
  add({3, 3, 4}, 6, {3, 3, 1, 1}, 4);
  all.back().options.rows = {5, 11};
  return all;
}

/// Kernels of every size, stride and padding over odd extents; channels that fill every block and leave a rest.
inline std::vector<problem> depthwise_convolutions() {
  std::vector<problem> all;
  const auto add = [&](const lo::shape& in, const lo::window& field, std::size_t samples) {
    lo::learn_options options;
    options.unit_sums = 2;
    const std::size_t k = all.size();
    options.sums_inputs = k % 2 == 0;
    if (k % 3 != 0) options.signal = k % 3 == 1 ? lo::gate_signal::reweighted : lo::gate_signal::transformed;
    options.response_is_given = k % 4 == 1;
    const lo::linear_map map{in, field.output(in, in.channels), field, in.channels};
    if (k % 5 != 0) options.rows = {k % 3, 1 + k % 4};
    all.push_back({map, samples, options, k % 3 != 2});
  };
  for (const std::size_t kernel : std::array<std::size_t, 3>{2, 3, 5}) {
    for (const std::size_t stride : std::array<std::size_t, 3>{1, 2, 3}) {
      for (const std::size_t padding : std::array<std::size_t, 3>{0, 1, 2}) {
        add({7, 6, 3}, {kernel, kernel, stride, padding}, 2);
      }
    }
  }
  add({9, 5, 47}, {3, 3, 1, 1}, 3);
  add({4, 9, 47}, {3, 3, 2, 1}, 1);
  add({3, 4, 5}, {5, 5, 1, 2}, 2);   // a kernel larger than the map
  add({2, 3, 21}, {3, 3, 2, 4}, 2);  // windows of padding alone
  add({7, 5, 2}, {2, 2, 3, 0}, 2);   // pixels that no window sees
  // Not a square: in the kernel, and along one axis in stride, padding and dilation too.
  add({5, 7, 4}, {2, 4, 1, 1}, 2);
  add({1, 12, 3}, {1, 5, 1, {0, 2}}, 3);
  add({8, 6, 47}, {5, 1, {2, 1}, {2, 0}}, 2);
  add({7, 9, 4}, {3, 2, {1, 3}, {2, 1}}, 2);
  add({7, 9, 4}, {2, 3, {3, 2}, {0, 2}}, 2);
  add({1, 1, 6}, {1, 1, 1, 0}, 5);
  add({1, 1, 6}, {3, 3, 1, 1}, 5);
  // More rows left out than one image has.
  add({3, 3, 4}, {3, 3, 1, 1}, 4);
  all.back().options.rows = {5, 11};
  // Rows in the middle of which pixels see no border.
  add({3, 27, 18}, {3, 3, 1, 1}, 1);
  add({5, 37, 18}, {5, 5, 1, 2}, 1);
  add({4, 43, 18}, {3, 3, 2, 1}, 2);
  add({6, 55, 18}, {5, 5, 2, 2}, 1);
  add({4, 3, 119}, {3, 3, 1, 1}, 2);  // channels for every size of a block, in float and in double
  return all;
}

}  // namespace localis_test
