#pragma once

#include <localis/model/alexnet.hpp>
#include <localis/model/lenet.hpp>
#include <localis/model/mobilenet_v2.hpp>
#include <localis/model/resnet.hpp>
#include <localis/model/vgg.hpp>

namespace localis_test {

/// f.operator()<Net>() for the published networks, but for those of VGG for large pictures, whose classifiers alone
/// take gigabytes; with Rule for all that learns.
template <class Rule, class F>
void for_every_model(const F& f) {
  namespace models = localis::models;
  const auto each = [&]<class... Nets>() { (f.template operator()<Nets>(), ...); };
  each.template operator()<models::lenet<10, Rule>, models::lenet_32<10, Rule>, models::alexnet<10, Rule>,
                           models::alexnet_32<10, Rule>, models::vgg11_32<10, Rule>, models::vgg13_32<10, Rule>,
                           models::vgg16_32<10, Rule>, models::vgg19_32<10, Rule>, models::resnet18<10, Rule>,
                           models::resnet18_32<10, Rule>, models::resnet20<10, Rule>, models::resnet34<10, Rule>,
                           models::resnet50<10, Rule>, models::resnet56<10, Rule>, models::mobilenet_v2<10, Rule>,
                           models::mobilenet_v2_32<10, Rule>>();
}

}  // namespace localis_test
