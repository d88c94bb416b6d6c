#include <cstddef>

#include "backend.hpp"
#include "support/few_steps.hpp"
#include <doctest/doctest.h>

#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;
using lo::cudnn::backend;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

namespace {

constexpr std::size_t memory = std::size_t{1} << 30;

}  // namespace

TEST_CASE("cudnn: published networks learn as on the cpu") {
  localis_test::on_device([] { localis_test::check_training<lo::zoo::lenet<10, oja>>(backend<double>()); }, memory);
  localis_test::on_device([] { localis_test::check_step<lo::zoo::resnet20<10, oja>>(backend<float>()); }, memory);
}
