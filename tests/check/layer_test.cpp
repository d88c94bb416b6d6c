#include <string>

#include <doctest/doctest.h>

#include <localis/backend/reference/backend.hpp>
#include <localis/check/layer.hpp>
#include <localis/layer/conv2d.hpp>
#include <localis/layer/leaky_relu.hpp>

namespace lo = localis;
using reference = lo::reference::backend<double>;

namespace {

/// Written outside the library: y = x / (1 + |x|), slope (1 - |y|)^2.
struct softsign_function {
  static constexpr const char* name = "softsign";
  double wrong_by = 0;
  template <class T>
  constexpr T operator()(T x) const {
    return x / (T(1) + (x < T(0) ? -x : x));
  }
  template <class T>
  constexpr T slope(T y) const {
    const T rest = T(1) - (y < T(0) ? -y : y);
    return rest * rest + static_cast<T>(wrong_by);
  }
};
using softsign = lo::activation<softsign_function>;

/// The gradient of one weight is off by a trifle.
class skewed : public reference {
 public:
  void weight_gradient(const lo::linear_map& map, const lo::weight_gradient_arguments<double>& backward,
                       lo::workspace scratch) const {
    reference::weight_gradient(map, backward, scratch);
    if (map.inputs() == 18) backward.dw[18 + 4] += 1e-4;
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("check::layer: a layer written outside the library passes") {
  const lo::check::result found = lo::check::layer<softsign, lo::image<4, 3, 2>, reference>();
  CHECK_MESSAGE(found, found);
  CHECK(found.deviation < 1e-7);
}

TEST_CASE("check::layer: a wrong slope fails and names the element") {
  const lo::check::result found =
      lo::check::layer<softsign, lo::image<4, 3, 2>, reference>([](auto& layer) { layer.function.wrong_by = 1e-4; });
  CHECK_FALSE(found);
  CHECK(found.deviation > 1e-6);
  CHECK(contains(found.message, "check::layer: input element (0, 0): expected the gradient "));
}

TEST_CASE("check::layer: a wrong parameter gradient fails and names the parameter and its place") {
  const lo::check::result found = lo::check::layer<lo::conv2d<3, 3>, lo::image<4, 4, 2>, skewed>();
  CHECK_FALSE(found);
  CHECK(contains(found.message, "check::layer: conv2d weight (1, 4): expected the gradient "));
}

TEST_CASE("check::layer: a layer's values are set before") {
  CHECK(
      lo::check::layer<lo::leaky_relu, lo::vector_input<9>, reference>([](auto& layer) { layer.function.leak = 0.3; }));
  CHECK_THROWS_AS(static_cast<void>(lo::check::layer<lo::leaky_relu, lo::vector_input<9>, reference>(
                      [](auto& layer) { layer.function.leak = -1; })),
                  lo::config_error);
}
