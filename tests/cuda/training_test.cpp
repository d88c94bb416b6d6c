#include "../cpu/twenty_steps.hpp"
#include "backend.hpp"
#include <doctest/doctest.h>

#include <localis/model/lenet.hpp>
#include <localis/model/mobilenet_v2.hpp>
#include <localis/model/resnet.hpp>
#include <localis/model/vgg.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>

namespace lo = localis;
using localis_test::check_training;
using localis_test::gpu;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

namespace {

template <class Net>
void check() {
  localis_test::on_device([] { check_training<Net>(gpu<double>()); }, std::size_t{1} << 30);
}

}  // namespace

TEST_CASE("cuda: twenty steps of published networks, with a boundary that moves, are those of the cpu") {
  check<lo::models::lenet<10, oja>>();
  check<lo::models::resnet20<10, oja>>();
}
TEST_CASE("cuda: twenty steps of larger networks" * doctest::skip()) {
  check<lo::models::vgg11_32<10, oja>>();
  check<lo::models::mobilenet_v2_32<10, oja>>();
}
