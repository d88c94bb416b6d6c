// What the published networks are known by: their numbers of parameters, as torchvision and the papers state them.

#include <cstddef>

#include <doctest/doctest.h>

#include <localis/rule/hebb.hpp>
#include <localis/zoo/alexnet.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/mobilenet_v2.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/six_stages.hpp>
#include <localis/zoo/vgg.hpp>

namespace lo = localis;
namespace zoo = localis::zoo;

namespace {

template <class Network>
constexpr std::size_t parameters() {
  std::size_t sum = 0;
  for (const lo::operation& op : Network::program.operations) sum += op.parameters;
  return sum;
}

template <class Network>
void check(std::size_t expected, std::size_t stages, std::size_t classes) {
  CHECK(parameters<Network>() == expected);
  CHECK(Network::stages == stages);
  CHECK(Network::output == lo::shape{1, 1, classes});
  CHECK(Network::highest_boundary == 0);  // without a rule
}

}  // namespace

TEST_CASE("models: parameters and stages, 224 x 224") {
  check<zoo::alexnet<>>(61100840, 8, 1000);
  check<zoo::vgg11<>>(132868840, 11, 1000);
  check<zoo::vgg13<>>(133053736, 13, 1000);
  check<zoo::vgg16<>>(138365992, 16, 1000);
  check<zoo::vgg19<>>(143678248, 19, 1000);
  check<zoo::resnet18<>>(11689512, 10, 1000);
  check<zoo::resnet34<>>(21797672, 18, 1000);
  check<zoo::resnet50<>>(25557032, 18, 1000);
  check<zoo::mobilenet_v2<>>(3504872, 20, 1000);
}

TEST_CASE("models: parameters and stages, small pictures") {
  check<zoo::lenet<>>(61706, 5, 10);
  check<zoo::lenet_32<>>(62006, 5, 10);
  check<zoo::six_stages<>>(468458, 6, 10);
  check<zoo::alexnet_32<>>(2472266, 6, 10);
  check<zoo::vgg11_32<>>(9493770, 10, 10);
  check<zoo::resnet18_32<>>(11173962, 10, 10);
  // The paper's 0.27 and 0.85 million, and projections.
  check<zoo::resnet20<>>(272474, 11, 10);
  check<zoo::resnet56<>>(855770, 29, 10);
  check<zoo::mobilenet_v2_32<>>(2236682, 20, 10);
  check<zoo::resnet20<100>>(272474 + 90 * 65, 11, 100);
}

TEST_CASE("models: with a rule, all but the last stage may lie before the boundary") {
  CHECK(zoo::lenet<10, lo::rule::hebb>::highest_boundary == 4);
  CHECK(zoo::vgg16_32<10, lo::rule::hebb>::highest_boundary == 14);
  CHECK(zoo::resnet50<1000, lo::rule::hebb>::highest_boundary == 17);
  CHECK(zoo::mobilenet_v2_32<10, lo::rule::hebb>::highest_boundary == 19);
}

TEST_CASE("models: extents on the way") {
  // The last maps before the classifier.
  const auto before_last = [](const auto& program) { return program.operations[program.operations.size() - 1].in; };
  CHECK(before_last(zoo::resnet50<>::program) == lo::shape{1, 1, 2048});
  CHECK(before_last(zoo::mobilenet_v2<>::program) == lo::shape{1, 1, 1280});
  CHECK(zoo::vgg16<>::program.operations[43].out == lo::shape{7, 7, 512});
  const auto& mobile = zoo::mobilenet_v2_32<>::program.operations;
  CHECK(mobile[mobile.size() - 4].out == lo::shape{4, 4, 1280});
}
