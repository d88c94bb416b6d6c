#pragma once

/// Names without their definitions, for headers that pass these types on.
namespace localis {

namespace cpu {
template <class Scalar>
class backend;
}

namespace reference {
template <class Scalar>
class backend;
}

template <class Input, class... Layers>
struct network;

template <class Network, class Backend>
class model;

}  // namespace localis
