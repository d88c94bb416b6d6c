// Activations, and layers that normalize or compare within a sample, each alone: cpu against the reference in double.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "support/alone.hpp"
#include <doctest/doctest.h>

#include <localis/backend/cpu/backend.hpp>
#include <localis/backend/reference/backend.hpp>
#include <localis/layer/elu.hpp>
#include <localis/layer/gelu.hpp>
#include <localis/layer/group_norm.hpp>
#include <localis/layer/hard_swish.hpp>
#include <localis/layer/instance_norm.hpp>
#include <localis/layer/layer_norm.hpp>
#include <localis/layer/patch_norm.hpp>
#include <localis/layer/sigmoid.hpp>
#include <localis/layer/silu.hpp>
#include <localis/layer/softmax.hpp>
#include <localis/layer/softplus.hpp>
#include <localis/layer/tanh.hpp>
#include <localis/layer/triangle.hpp>

namespace lo = localis;
using localis_test::alone;
using localis_test::numbers;

namespace {

struct as_made {
  template <class Layer>
  void operator()(Layer&) const {}
};

/// Both in place and not, on one thread and on two.
template <class Layer, class T, class Configure>
void check(const lo::shape& in, double tolerance, const Configure& configure) {
  constexpr std::size_t samples = 5;
  const std::size_t size = samples * in.size();
  using expected_type = alone<Layer, lo::reference::backend<double>>;
  using found_type = alone<Layer, lo::cpu::backend<T>>;
  const auto prepare = [&](auto& one) {
    configure(one.layer);
    for (const auto& p : one.layer.parameters()) {
      for (std::size_t i = 0; i < p.size(); ++i) p.value[i] += static_cast<std::decay_t<decltype(*p.value)>>(i % 3);
    }
  };
  expected_type exact(in, samples);
  prepare(exact);
  const auto expected = exact.run(numbers<double>(size, 1, 2), numbers<double>(size, 2), expected_type::place::own);
  for (const std::size_t threads : std::initializer_list<std::size_t>{1, 2}) {
    for (const auto where : {found_type::place::own, found_type::place::of_input}) {
      found_type one(in, samples, lo::cpu::backend<T>({.threads = threads, .grain = 1}));
      prepare(one);
      const auto found = one.run(numbers<T>(size, 1, 2), numbers<T>(size, 2), where);
      REQUIRE(found.size() == expected.size());
      for (std::size_t k = 0; k < found.size(); ++k) {
        REQUIRE(found[k].size() == expected[k].size());
        double scale = 1;
        for (const double v : expected[k]) scale = std::max(scale, std::abs(v));
        double apart = 0;
        for (std::size_t i = 0; i < found[k].size(); ++i) {
          const double d = std::abs(static_cast<double>(found[k][i]) - expected[k][i]);
          apart = d <= apart ? apart : d;  // NaN too
        }
        CAPTURE(Layer::describe(in).name);
        CAPTURE(in);
        CAPTURE(threads);
        CAPTURE(k);
        CHECK(apart <= tolerance * scale);
      }
    }
  }
}

template <class Layer, class Configure = as_made>
void check(std::initializer_list<lo::shape> inputs, const Configure& configure = {}) {
  for (const lo::shape& in : inputs) {
    check<Layer, double>(in, 1e-13, configure);
    check<Layer, float>(in, 1e-5, configure);
  }
}
template <class Layer, class Configure = as_made>
void check(const Configure& configure = {}) {
  check<Layer>({{6, 7, 5}, {5, 9, 1}, {1, 1, 35}, {1, 1, 1}}, configure);
}

}  // namespace

TEST_CASE("cpu: layers that normalize agree with the reference, alone, in place and not, on one and two threads") {
  check<lo::layer_norm>();
  check<lo::instance_norm>();
  check<lo::affine_instance_norm>();
  check<lo::group_norm<1>>();
  check<lo::group_norm<5>>({{6, 7, 5}, {5, 9, 10}, {1, 1, 35}, {2, 3, 60}});
  check<lo::patch_norm<1>>();
  check<lo::patch_norm<3>>();
  check<lo::patch_norm<15>>();
}

TEST_CASE("cpu: activations agree with the reference, alone, in place and not, on one and two threads") {
  check<lo::tanh>();
  check<lo::sigmoid>();
  check<lo::softplus>();
  check<lo::elu>();
  check<lo::elu>([](auto& layer) { layer.function.alpha = 0.3; });
  check<lo::silu>();
  check<lo::gelu>();
  check<lo::hard_swish>();
}

TEST_CASE("cpu: row activations agree with the reference, alone, in place and not, on one and two threads") {
  check<lo::triangle>();
  check<lo::triangle>([](auto& layer) { layer.power = 1.5; });
  check<lo::softmax>();
  check<lo::softmax>([](auto& layer) { layer.sharpness = 0.3; });
}
