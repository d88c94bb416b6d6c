#include "../cpu/twenty_steps.hpp"
#include <doctest/doctest.h>

#include <localis/model/lenet.hpp>
#include <localis/model/mobilenet_v2.hpp>
#include <localis/model/resnet.hpp>
#include <localis/model/vgg.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/thrust_host/backend.hpp>

namespace lo = localis;
using localis_test::check_training;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

TEST_CASE("thrust_host: twenty steps of published networks, with a boundary that moves, are those of the cpu") {
  const lo::thrust_host::backend<double> backend;
  check_training<lo::models::lenet<10, oja>>(backend);
  check_training<lo::models::resnet20<10, oja>>(backend);
}
TEST_CASE("thrust_host: twenty steps of larger networks" * doctest::skip()) {
  const lo::thrust_host::backend<double> backend;
  check_training<lo::models::vgg11_32<10, oja>>(backend);
  check_training<lo::models::mobilenet_v2_32<10, oja>>(backend);
}
