#pragma once

#include <localis/zoo/alexnet.hpp>
#include <localis/zoo/densenet.hpp>
#include <localis/zoo/efficientnet.hpp>
#include <localis/zoo/googlenet.hpp>
#include <localis/zoo/lenet.hpp>
#include <localis/zoo/mobilenet_v2.hpp>
#include <localis/zoo/resnet.hpp>
#include <localis/zoo/six_stages.hpp>
#include <localis/zoo/squeezenet.hpp>
#include <localis/zoo/vgg.hpp>

namespace localis_test {

/// f.operator()<Net>() for the published networks, but for those of VGG for large pictures, whose classifiers alone
/// take gigabytes; with Rule for all that learns.
template <class Rule, class F>
void for_every_model(const F& f) {
  namespace zoo = localis::zoo;
  const auto each = [&]<class... Nets>() { (f.template operator()<Nets>(), ...); };
  each.template
  operator()<zoo::lenet<10, Rule>, zoo::lenet_32<10, Rule>, zoo::alexnet<10, Rule>, zoo::alexnet_32<10, Rule>,
             zoo::vgg11_32<10, Rule>, zoo::vgg11_half_32<10, Rule>, zoo::vgg13_32<10, Rule>, zoo::vgg16_32<10, Rule>,
             zoo::vgg19_32<10, Rule>, zoo::resnet18<10, Rule>, zoo::resnet18_32<10, Rule>, zoo::resnet20<10, Rule>,
             zoo::resnet34<10, Rule>, zoo::resnet50<10, Rule>, zoo::resnet56<10, Rule>, zoo::mobilenet_v2<10, Rule>,
             zoo::mobilenet_v2_32<10, Rule>, zoo::efficientnet_b0<10, Rule>, zoo::efficientnet_b0_32<10, Rule>,
             zoo::squeezenet<10, Rule>, zoo::squeezenet_32<10, Rule>, zoo::densenet121<10, Rule>,
             zoo::densenet121_32<10, Rule>, zoo::googlenet<10, Rule>, zoo::six_stages_32<10, Rule>>();
}

}  // namespace localis_test
