#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/distance.hpp"
#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/cpu/winograd.hpp>

namespace lo = localis;
using localis_test::normal;
using localis_test::problem;

namespace {

/// The CPU backend, which computes every linear map by minimal filtering.
template <class T>
class filtering : public lo::cpu::backend<T> {
 public:
  explicit filtering(std::size_t threads) : lo::cpu::backend<T>({.threads = threads}), available_{threads, 65536, 1} {}

  template <class Epilogue = lo::kernel::no_epilogue>
  void respond(const lo::linear_map& map, const lo::response_arguments<T>& forward, lo::workspace scratch,
               const Epilogue& epilogue = {}) const {
    of(map).respond(forward, scratch, epilogue);
  }
  void respond_scratch(const lo::linear_map& map, std::size_t, lo::workspace& scratch,
                       const lo::epilogue_options& fused = {}) const {
    of(map).respond_scratch(fused, scratch);
  }
  template <class Gate, class Epilogue = lo::kernel::no_epilogue>
  void respond_and_learn(const lo::linear_map& map, const lo::response_arguments<T>& forward,
                         const lo::learning_arguments<T, Gate>& learn, lo::workspace scratch,
                         const Epilogue& epilogue = {}) const {
    of(map).respond_and_learn(forward, learn, scratch, epilogue);
  }
  void learn_scratch(const lo::linear_map& map, std::size_t samples, const lo::learn_options& options,
                     lo::workspace& scratch, const lo::epilogue_options& fused = {}) const {
    of(map).learn_scratch(samples, options, fused, scratch);
  }
  void weight_gradient(const lo::linear_map& map, const lo::weight_gradient_arguments<T>& backward,
                       lo::workspace scratch) const {
    of(map).weight_gradient(backward, scratch);
  }
  void weight_gradient_scratch(const lo::linear_map& map, std::size_t, lo::workspace& scratch) const {
    of(map).weight_gradient_scratch(scratch);
  }
  void input_gradient(const lo::linear_map& map, const lo::input_gradient_arguments<T>& backward,
                      lo::workspace scratch) const {
    of(map).input_gradient(backward, scratch);
  }
  void input_gradient_scratch(const lo::linear_map& map, std::size_t, lo::workspace& scratch) const {
    of(map).input_gradient_scratch(scratch);
  }

 private:
  [[nodiscard]] lo::cpu::winograd_convolution<T> of(const lo::linear_map& map) const { return {map, available_}; }

  lo::cpu::resources available_;
};

lo::linear_map map_of(const lo::shape& in, std::size_t units, std::size_t padding) {
  const lo::window field{3, 3, 1, padding};
  return {in, field.output(in, units), field, 1};
}

/// Maps of 2 to 9 pixels with each padding, channels and units that fill vectors and leave a rest, few and many
/// weights; learning with other signals, from given responses, and in ways that are left to another algorithm.
std::vector<problem> problems() {
  std::vector<problem> all;
  const auto add = [&](const lo::shape& in, std::size_t units, std::size_t padding, std::size_t samples) {
    lo::learn_options options;
    options.unit_sums = 2;
    const std::size_t k = all.size();
    if (k % 3 == 2) options.signal = lo::gate_signal::transformed;
    options.response_is_given = k % 4 == 1;
    if (k % 7 == 3) options.rows = {1, 2};
    if (k % 7 == 4) options.sums_inputs = true;
    if (k % 7 == 5) options.active_gates = 3;
    all.push_back({map_of(in, units, padding), samples, options, k % 3 != 2});
  };
  for (const std::size_t padding : std::array<std::size_t, 3>{0, 1, 2}) {
    for (std::size_t side = 2; side <= 9; ++side) {
      if (side + 2 * padding >= 3) add({side, side + side % 2, 16}, 16 + side % 3, padding, 1 + side % 3);
    }
    add({7, 5, 17}, 33, padding, 3);
    add({4, 6, 48}, 70, padding, 2);
  }
  add({24, 21, 16}, 16, 1, 2);  // images in several blocks
  add({3, 6, 182}, 184, 1, 2);  // threads share a block
  lo::learn_options few;
  few.unit_sums = 2;
  few.active_gates = 2;  // of so many units that their products are added one by one
  few.sums_inputs = true;
  all.push_back({map_of({7, 5, 17}, 65, 1), 3, few, true});
  all.push_back({map_of({3, 6, 182}, 184, 1), 2, few, true});
  return all;
}

template <class T>
std::vector<T> response(const problem& in, std::size_t first, std::size_t samples, std::size_t threads) {
  const lo::cpu::winograd_convolution<T> algorithm{in.map, {threads, 65536, 1}};
  lo::workspace size;
  algorithm.respond_scratch({}, size);
  std::vector<std::byte> memory(size.used());
  std::vector<T> x(in.x.begin(), in.x.end());
  const std::vector<T> w(in.w.begin(), in.w.end());
  std::vector<T> u(in.map.rows(samples) * in.map.outputs());
  algorithm.respond({.samples = samples, .x = x.data() + first * in.map.in.size(), .w = w.data(), .u = u.data()},
                    lo::workspace(memory.data()), lo::kernel::no_epilogue{});
  return u;
}

}  // namespace

TEST_CASE("winograd: computes what the definitions say, with any number of threads") {
  for (const problem& in : problems()) {
    localis_test::check_problem(in, filtering<double>(1 + in.samples), 1e-12);
    localis_test::check_problem(in, filtering<float>(in.samples), 2e-5);
  }
}

TEST_CASE("winograd: blocks that threads share give what the backend gives") {
  using localis_test::agree;
  std::vector<problem> all;
  lo::learn_options options;
  options.unit_sums = 2;
  all.push_back({map_of({2, 2, 200}, 180, 1), 150, options, true});
  all.push_back({map_of({13, 40, 190}, 176, 1), 5, options, true});
  all.push_back({map_of({50, 49, 182}, 182, 0), 2, options, false});
  all.push_back({map_of({1, 270, 182}, 182, 1), 2, options, true});  // more tiles in a band than are summed at once
  for (const problem& in : all) {
    const localis_test::results expected = run(in, lo::cpu::backend<double>());
    for (const std::size_t threads : std::array<std::size_t, 4>{1, 2, 5, 40}) {
      const localis_test::results found = run(in, filtering<double>(threads));
      agree("response", found.u, expected.u, 1e-12);
      agree("response of the pass that learns", found.response, expected.response, 1e-12);
      agree("sum of gates times inputs", found.sum, expected.sum, 1e-12);
      agree("sums by unit", found.unit, expected.unit, 1e-12);
      agree("weight gradient", found.gradient, expected.gradient, 1e-12);
      if (in.has_bias) agree("bias gradient", found.bias_gradient, expected.bias_gradient, 1e-12);
      agree("input gradient, added", found.added_gradient, expected.added_gradient, 1e-12);
      agree("what follows learning", found.learned_followed, expected.learned_followed, 1e-12);
      agree("what is pooled", found.pooled, expected.pooled, 1e-12);
    }
  }
}

TEST_CASE("winograd: where units are selected, the response to a window of zeros is 0") {
  for (const std::size_t active : std::array<std::size_t, 2>{0, 2}) {
    problem in{map_of({9, 9, 16}, 64, 1), 2, {.unit_sums = 2, .active_gates = active}, false};
    const std::size_t channels = in.map.in.channels;
    for (std::size_t i = 0; i < in.x.size(); ++i) {
      if (i / channels % 9 > 5) in.x[i] = 0;  // the second of three tiles sees others beside a window of zeros
    }
    const localis_test::results found = run(in, filtering<float>(2));
    std::size_t zeros = 0;
    for (std::size_t i = 0; i < found.response.size(); ++i) {
      if (i / in.map.outputs() % 9 > 6 && found.response[i] == 0) ++zeros;
    }
    CHECK(zeros == found.response.size() / 9 * 2);
    CHECK(found.u != found.response);  // which has rounding errors there
  }
}

TEST_CASE("winograd: the response to a sample is the same, bit by bit, alone, in a batch, and with more threads") {
  for (const std::size_t units : std::array<std::size_t, 2>{24, 600}) {
    const problem in{map_of({7, 9, 64}, units, 1), 5, {}, false};
    const std::vector<float> all = response<float>(in, 0, 5, 1);
    CHECK(response<float>(in, 0, 5, 1) == all);
    CHECK(response<float>(in, 0, 5, 3) == all);
    CHECK(response<float>(in, 0, 5, 40) == all);
    const std::vector<float> alone = response<float>(in, 3, 1, 2);
    CHECK(std::equal(alone.begin(), alone.end(), all.begin() + static_cast<std::ptrdiff_t>(3 * alone.size())));
  }
}

TEST_CASE("winograd: rounding errors of the passes of a layer, against double") {
  struct limits {
    lo::cpu::convolution way;
    double sums;      ///< of the norm, in responses and input gradients
    double gradient;  ///< of the norm, in weight gradients
    double largest;   ///< of the largest value
  };
  const auto largest = [](const localis_test::numbers& found, const localis_test::numbers& exact) {
    double error = 0;
    double value = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      error = (std::max)(error, std::abs(found[i] - exact[i]));
      value = (std::max)(value, std::abs(exact[i]));
    }
    return error / value;
  };
  lo::learn_options options;
  options.unit_sums = 2;
  for (const auto& [channels, side] :
       std::array<std::array<std::size_t, 2>, 4>{{{16, 32}, {64, 16}, {256, 8}, {512, 4}}}) {
    CAPTURE(channels);
    const problem in{map_of({side, side, channels}, channels, 1), 2, options, false};
    const localis_test::results exact = run(in, lo::cpu::backend<double>());
    for (const limits& bound :
         {limits{.way = lo::cpu::convolution::fast, .sums = 1.8e-6, .gradient = 8e-7, .largest = 5e-6},
          limits{.way = lo::cpu::convolution::small_error, .sums = 6e-7, .gradient = 3e-7, .largest = 1e-6}}) {
      const localis_test::results found = run(in, lo::cpu::backend<float>({.convolution = bound.way}));
      using localis_test::distance;
      CHECK(distance(found.u, exact.u) < bound.sums);
      CHECK(distance(found.response, exact.response) < bound.sums);
      CHECK(distance(found.input_gradient, exact.input_gradient) < bound.sums);
      CHECK(distance(found.gradient, exact.gradient) < bound.gradient);
      CHECK(largest(found.u, exact.u) < bound.largest);
      CHECK(largest(found.gradient, exact.gradient) < bound.largest);
    }
  }
}

TEST_CASE("winograd: takes 3x3 windows with a stride of 1 where tiles and vectors are filled") {
  using lo::cpu::convolution;
  constexpr std::size_t vector = lo::cpu::winograd::width<float>;
  const auto takes = [](const lo::linear_map& map, convolution how = convolution::fast) {
    return lo::cpu::winograd_convolution<float>::takes(map, {1, 65536, 1, how});
  };
  CHECK(takes(map_of({32, 32, vector}, vector, 1)));
  CHECK(takes(map_of({2, 2, 512}, 512, 1)));
  CHECK(!takes(map_of({5, 5, 512}, 512, 1)));  // 25 of 64 outputs of four tiles
  CHECK(!takes(map_of({1, 4, 512}, 512, 1)));
  CHECK(!takes(map_of({32, 32, vector - 1}, vector, 1)));
  CHECK(!takes(map_of({32, 32, vector}, vector - 1, 1)));
  CHECK(takes(map_of({32, 32, vector}, vector, 1), convolution::small_error));
  CHECK(takes(map_of({3, 3, vector}, vector, 1)));
  CHECK(!takes(map_of({3, 3, vector}, vector, 1), convolution::small_error));  // 9 of 16 outputs of four small tiles
  CHECK(!takes(map_of({32, 32, vector}, vector, 1), convolution::direct));
  for (const lo::window& field : {lo::window{3, 3, 2, 1}, lo::window{1, 1, 1, 0}, lo::window{5, 5, 1, 2},
                                  lo::window{3, 3, 1, 2, 2}, lo::window{3, 3, 1, 3}}) {
    const lo::shape in{16, 16, 64};
    CHECK(!takes({in, field.output(in, 64), field, 1}));
  }
}

TEST_CASE("winograd: the backend computes plain 3x3 windows as its options say, in double always by sums of products") {
  using lo::cpu::convolution;
  lo::learn_options options;
  options.unit_sums = 2;
  const problem in{map_of({8, 8, 64}, 64, 1), 2, options, false};
  const auto computed = [&]<class T>(T, convolution how) {
    return run(in, lo::cpu::backend<T>({.threads = 2, .convolution = how}));
  };
  const localis_test::results exact = computed(1.0, convolution::direct);
  CHECK(computed(1.0, convolution::fast).u == exact.u);
  const auto error = [&](convolution how) {
    return localis_test::distance(computed(1.0F, how).gradient, exact.gradient);
  };
  // Minimal filtering in larger tiles has larger rounding errors.
  CHECK(error(convolution::fast) > 1.5 * error(convolution::small_error));
  CHECK(error(convolution::fast) < 5 * error(convolution::direct));
  CHECK(computed(1.0F, convolution::small_error).u != computed(1.0F, convolution::direct).u);
}
