#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <localis/layer/concept.hpp>
#include <localis/layer/residual.hpp>
#include <localis/network/program.hpp>

namespace localis::detail {

/// A tuple by inheritance: element I is found without recursion over the others.
template <std::size_t Index, class T>
struct indexed {
  T value;
};
template <class Indices, class... Ts>
struct indexed_pack;
template <std::size_t... Is, class... Ts>
struct indexed_pack<std::index_sequence<Is...>, Ts...> : indexed<Is, Ts>... {};

template <std::size_t Index, class T>
constexpr T& get(indexed<Index, T>& element) {
  return element.value;
}
template <std::size_t Index, class T>
constexpr const T& get(const indexed<Index, T>& element) {
  return element.value;
}

/// Does nothing, in place of a layer that is none: so that one error is all that is printed.
template <class Backend>
struct stand_in_layer : junction<Backend> {
  using junction<Backend>::junction;
  identity_function function{};
};

/// The state of a layer; where it does not fit, the compiler says why.
template <class Layer, class Backend, bool Fusable, bool AcceptsActivation, bool Supervised>
constexpr auto checked_state() {
  static_assert(check_layer<Layer, Backend>() && check_flags<Layer, Backend, Fusable, AcceptsActivation, Supervised>());
  if constexpr (!layer_on<Layer, Backend>) {
    return std::type_identity<stand_in_layer<Backend>>{};
  } else if constexpr (!flags_fit<typename Layer::template state<Backend>, Backend, Fusable, AcceptsActivation,
                                  Supervised>) {
    return std::type_identity<stand_in_layer<Backend>>{};
  } else {
    return std::type_identity<typename Layer::template state<Backend>>{};
  }
}

/// Of a layer that learns from its stage's local loss.
constexpr bool is_taught(const operation& op) { return op.trainable() && op.supervised; }

template <class Backend, class Network, class List = typename Network::layers,
          class Indices = std::make_index_sequence<Network::size>>
struct layer_states;
template <class Backend, class Network, class... Layers, std::size_t... Is>
struct layer_states<Backend, Network, layer_list<Layers...>, std::index_sequence<Is...>> {
  static constexpr auto& operations = Network::program.operations;
  using type =
      indexed_pack<std::index_sequence<Is...>, typename decltype(checked_state<Layers, Backend, operations[Is].fusable,
                                                                               operations[Is].accepts_fused_activation,
                                                                               is_taught(operations[Is])>())::type...>;
};

}  // namespace localis::detail
