#include <array>
#include <cstddef>
#include <vector>

#include "support/distance.hpp"
#include "support/linear_map.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/core/random.hpp>

namespace lo = localis;
using localis_test::check_problem;
using localis_test::problem;

namespace {

/// The CPU backend, to which the kind of every linear map is known.
template <class T, lo::map_kind Kind>
class of_kind : public lo::cpu::backend<T> {
 public:
  using base = lo::cpu::backend<T>;
  using map_type = lo::linear_map_of<Kind>;
  using base::base;

  template <class Epilogue = lo::kernel::no_epilogue>
  void respond(const lo::linear_map& map, const lo::response_arguments<T>& forward, lo::workspace scratch,
               const Epilogue& epilogue = {}) const {
    base::respond(map_type{map}, forward, scratch, epilogue);
  }
  void respond_scratch(const lo::linear_map& map, std::size_t samples, lo::workspace& scratch,
                       const lo::epilogue_options& fused = {}) const {
    base::respond_scratch(map_type{map}, samples, scratch, fused);
  }
  template <class Gate, class Epilogue = lo::kernel::no_epilogue>
  void respond_and_learn(const lo::linear_map& map, const lo::response_arguments<T>& forward,
                         const lo::learning_arguments<T, Gate>& learn, lo::workspace scratch,
                         const Epilogue& epilogue = {}) const {
    base::respond_and_learn(map_type{map}, forward, learn, scratch, epilogue);
  }
  void learn_scratch(const lo::linear_map& map, std::size_t samples, const lo::learn_options& options,
                     lo::workspace& scratch, const lo::epilogue_options& fused = {}) const {
    base::learn_scratch(map_type{map}, samples, options, scratch, fused);
  }
  void weight_gradient(const lo::linear_map& map, const lo::weight_gradient_arguments<T>& backward,
                       lo::workspace scratch) const {
    base::weight_gradient(map_type{map}, backward, scratch);
  }
  void weight_gradient_scratch(const lo::linear_map& map, std::size_t samples, lo::workspace& scratch) const {
    base::weight_gradient_scratch(map_type{map}, samples, scratch);
  }
  void input_gradient(const lo::linear_map& map, const lo::input_gradient_arguments<T>& backward,
                      lo::workspace scratch) const {
    base::input_gradient(map_type{map}, backward, scratch);
  }
  void input_gradient_scratch(const lo::linear_map& map, std::size_t samples, lo::workspace& scratch) const {
    base::input_gradient_scratch(map_type{map}, samples, scratch);
  }
};

template <lo::map_kind Kind>
void check_kind(const lo::linear_map& map) {
  CAPTURE(static_cast<int>(Kind));
  REQUIRE(map.is(Kind));
  lo::learn_options options;
  options.unit_sums = 2;
  const problem in{map, 3, options, true};
  const lo::cpu::options how{.threads = 2, .grain = 1};
  const localis_test::results known = run(in, of_kind<float, Kind>(how));
  const localis_test::results any = run(in, lo::cpu::backend<float>(how));
  CHECK(known.u == any.u);
  CHECK(known.gradient == any.gradient);
  CHECK(known.input_gradient == any.input_gradient);
  CHECK(known.response == any.response);
  CHECK(known.sum == any.sum);
  CHECK(known.pooled == any.pooled);
}

}  // namespace

TEST_CASE("convolution: the reference computes what the definitions say") {
  for (const problem& in : localis_test::convolutions()) check_problem(in, lo::reference::backend<double>(), 1e-13);
}
TEST_CASE("convolution: cpu computes what the definitions say, in tiles of any size on any number of threads") {
  for (const problem& in : localis_test::convolutions()) {
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 3}) {
      for (const std::size_t tile : std::array<std::size_t, 2>{1024, 262144}) {
        CAPTURE(tile);
        const lo::cpu::options how{.threads = threads, .tile_bytes = tile, .grain = 1};
        check_problem(in, lo::cpu::backend<double>(how), 1e-13);
        check_problem(in, lo::cpu::backend<float>(how), 2e-5);
      }
    }
  }
}

TEST_CASE("convolution: cpu computes by cells what the definitions say, on any number of threads") {
  std::vector<problem> all;
  lo::learn_options options;
  options.unit_sums = 2;
  const auto add = [&](const lo::shape& in, std::size_t units, const lo::window& field, std::size_t samples) {
    all.push_back({{in, field.output(in, units), field}, samples, options, true});
  };
  for (const std::size_t stride : std::array<std::size_t, 3>{1, 2, 3}) {
    for (const std::size_t padding : std::array<std::size_t, 3>{0, 1, 2}) {
      const lo::window field{3, 3, stride, padding};
      add({7, 5, 48}, 65, field, 3);  // the input gradient
      add({5, 6, 96}, 17, field, 1);  // the response
      add({6, 5, 16}, 97, field, 3);  // for a stride of 1, the input gradient
      add({5, 7, 17}, 48, field, 1);  // neither
    }
  }
  add({9, 8, 33}, 64, {1, 1, 2}, 3);
  add({5, 7, 40}, 70, {2, 2, 3, 1}, 3);  // pixels between the windows
  add({7, 6, 130}, 129, {3, 2, {1, 2}, {2, 0}, {2, 1}}, 3);
  add({4, 4, 96}, 96, {5, 5, 1, 2}, 3);
  add({1, 600, 32}, 64, {1, 3, {1, 2}, {0, 1}}, 3);  // tiles of several images
  add({60, 36, 32}, 64, {1, 2, {2, 2}, {0, 0}}, 2);  // tiles of parts of images
  for (const problem& in : all) {
    for (const std::size_t threads : std::array<std::size_t, 3>{1, 2, 5}) {
      const lo::cpu::options how{.threads = threads, .grain = 1};
      check_problem(in, lo::cpu::backend<double>(how), 1e-13);
      check_problem(in, lo::cpu::backend<float>(how), 2e-5);
    }
  }
}

TEST_CASE("convolution: rounding errors of direct responses and input gradients do not grow with the number of terms") {
  lo::learn_options options;
  options.unit_sums = 2;
  for (const std::size_t channels : std::array<std::size_t, 2>{512, 24}) {
    const lo::window field{3, 3, 1, 1};
    const problem in{{{4, 4, channels}, {4, 4, 536 - channels}, field, 1}, 2, options, false};
    const localis_test::results exact = run(in, lo::cpu::backend<double>());
    const localis_test::results found = run(in, lo::cpu::backend<float>({.convolution = lo::cpu::convolution::direct}));
    CHECK(localis_test::distance(found.u, exact.u) < 3e-7);  // a single sum of 4608 terms: 1e-6
    CHECK(localis_test::distance(found.response, exact.response) < 3e-7);
    CHECK(localis_test::distance(found.input_gradient, exact.input_gradient) < 3e-7);
  }
}

TEST_CASE("convolution: a map whose kind is known is computed like any other") {
  using lo::map_kind;
  const lo::window plain{3, 3, 1, 1};
  check_kind<map_kind::dense>({{1, 1, 40}, {1, 1, 30}, {}});
  check_kind<map_kind::pointwise>({{1, 1, 40}, {1, 1, 30}, {}});
  check_kind<map_kind::pointwise>({{4, 6, 20}, {4, 6, 18}, {}});
  check_kind<map_kind::convolution>({{4, 6, 20}, {2, 3, 18}, {3, 3, 2, 1}});
  check_kind<map_kind::plain_3x3>({{4, 8, 32}, {4, 8, 48}, plain});  // by minimal filtering
  check_kind<map_kind::plain_3x3>({{4, 8, 3}, {4, 8, 48}, plain});   // too few channels for it
  check_kind<map_kind::grouped>({{4, 6, 8}, {4, 6, 8}, plain, 8});
  check_kind<map_kind::grouped>({{4, 6, 8}, {4, 6, 12}, plain, 4});
}
