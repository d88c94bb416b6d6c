#include "backend.hpp"
#include "support/few_steps.hpp"
#include <doctest/doctest.h>

#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/resnet.hpp>

#ifdef LOCALIS_TESTS_FULL
#include "support/every_model.hpp"
#endif

namespace lo = localis;
namespace zoo = lo::zoo;
using localis_test::check_step;
using localis_test::check_training;
using localis_test::gpu;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

namespace {

constexpr std::size_t memory = std::size_t{1} << 30;

template <class Net>
void check() {
  localis_test::on_device([] { check_training<Net>(gpu<double>()); }, memory);
  localis_test::on_device([] { check_step<Net>(gpu<float>()); }, memory);
}

}  // namespace

TEST_CASE("cuda: published networks learn as on the cpu, whose boundary moves or stays") {
  check<zoo::lenet<10, oja>>();
  check<zoo::resnet20<10, oja>>();
#ifdef LOCALIS_TESTS_FULL
  check<zoo::vgg11_32<10, oja>>();
  check<zoo::mobilenet_v2_32<10, oja>>();
#endif
}

TEST_CASE("cuda: a step whose products read bfloat16 is near one in float") {
  localis_test::on_device([] { check_step<zoo::lenet<10, oja>>(gpu<float, lo::cuda::bfloat16>(), 1e-4); }, memory);
}

#ifdef LOCALIS_TESTS_FULL
TEST_CASE("cuda: every published network, four steps of two pictures") {
  localis_test::for_every_model<oja>([]<class Net>() {
    localis_test::on_device_at_once([] { check_training<Net>(gpu<double>(), {.steps = 1, .batch = 2}); },
                                    std::size_t{8} << 30);
  });
}
#endif
