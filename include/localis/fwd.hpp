#pragma once

#include <localis/config.hpp>

/// Forward declarations, for headers that only pass these types on.
namespace localis {

namespace cpu {
inline namespace LOCALIS_CPU_THREADS {
template <class Scalar>
class backend;
}
}  // namespace cpu

namespace reference {
template <class Scalar>
class backend;
}

template <class Input, class... Layers>
struct network;

template <class Network, class Backend>
class model;

}  // namespace localis
