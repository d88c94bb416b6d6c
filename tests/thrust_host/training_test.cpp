#include "../cpu/few_steps.hpp"
#include <doctest/doctest.h>

#include <localis/model/lenet.hpp>
#include <localis/model/resnet.hpp>
#include <localis/rule/oja.hpp>
#include <localis/rule/policy.hpp>
#include <localis/thrust_host/backend.hpp>

#ifdef LOCALIS_TESTS_FULL
#include "../cpu/every_model.hpp"
#endif

namespace lo = localis;
namespace models = lo::models;
using localis_test::check_step;
using localis_test::check_training;
using oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;

namespace {

template <class Net>
void check() {
  check_training<Net>(lo::thrust_host::backend<double>());
  check_step<Net>(lo::thrust_host::backend<float>());
}

}  // namespace

TEST_CASE("thrust_host: published networks learn as on the cpu, whose boundary moves or rests") {
  check<models::lenet<10, oja>>();
  check<models::resnet20<10, oja>>();
#ifdef LOCALIS_TESTS_FULL
  check<models::vgg11_32<10, oja>>();
  check<models::mobilenet_v2_32<10, oja>>();
#endif
}

#ifdef LOCALIS_TESTS_FULL
TEST_CASE("thrust_host: every published network, four steps of two pictures") {
  localis_test::for_every_model<oja>(
      []<class Net>() { check_training<Net>(lo::thrust_host::backend<double>(), {.steps = 1, .batch = 2}); });
}
#endif
