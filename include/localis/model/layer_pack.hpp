#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include <localis/core/random.hpp>
#include <localis/layer/concept.hpp>
#include <localis/layer/junction.hpp>
#include <localis/network/program.hpp>

namespace localis::detail {

/// A tuple by inheritance: the compiler finds element I without recursion over the others.
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

// The lists of zeros stand for fold expressions, which clang takes over no more than 256 entries.

/// Calls f.template operator()<I>() for each I below Size, in order.
template <std::size_t Size, class F>
constexpr void for_each_index(F&& f) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    (void)std::initializer_list<int>{(f.template operator()<Is>(), 0)...};
  }
  (std::make_index_sequence<Size>{});
}
/// Calls f.template operator()<I>() for each I below Size, from the last to the first.
template <std::size_t Size, class F>
constexpr void for_each_index_reversed(F&& f) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    (void)std::initializer_list<int>{(f.template operator()<Size - 1 - Is>(), 0)...};
  }
  (std::make_index_sequence<Size>{});
}

/// Takes the place of a type that is not a layer, and does nothing, so that the compiler prints a single error.
template <class Backend>
struct stand_in_layer : passing<Backend> {
  using passing<Backend>::passing;
  identity_function function{};
};

/// The run-time part of a layer; if the layer is not valid, the compiler prints the reason.
template <class Layer, class Backend, fusion FusableAs, fusion Accepts, bool Supervised>
constexpr auto checked_state() {
  static_assert(check_layer<Layer, Backend>() && check_claims<Layer, Backend, FusableAs, Accepts, Supervised>());
  if constexpr (!layer_on<Layer, Backend>) {
    return std::type_identity<stand_in_layer<Backend>>{};
  } else if constexpr (!claims_fit<typename Layer::template state<Backend>, Backend, FusableAs, Accepts, Supervised>) {
    return std::type_identity<stand_in_layer<Backend>>{};
  } else {
    return std::type_identity<typename Layer::template state<Backend>>{};
  }
}

/// Whether the layer of an operation learns from its stage's local loss.
constexpr bool has_supervised_rule(const operation& op) { return op.trainable() && op.supervised(); }

template <class Backend, class Network, class List = typename Network::layers,
          class Indices = std::make_index_sequence<Network::size>>
struct layer_states;
template <class Backend, class Network, class... Layers, std::size_t... Is>
struct layer_states<Backend, Network, layer_list<Layers...>, std::index_sequence<Is...>> {
  static constexpr auto& operations = Network::program.operations;
  using type =
      indexed_pack<std::index_sequence<Is...>,
                   typename decltype(checked_state<Layers, Backend, operations[Is].fusable_as, operations[Is].accepts,
                                                   has_supervised_rule(operations[Is])>())::type...>;
};

/// The run-time parts of a network's operations: their weights, and the state of their rules.
template <class Network, class Backend>
using layer_pack = typename layer_states<Backend, Network>::type;

/// The type of the run-time part of one operation.
template <class Network, class Backend, std::size_t Index>
using layer_type = std::remove_reference_t<decltype(get<Index>(std::declval<layer_pack<Network, Backend>&>()))>;

/// Constructs all layers, each with a random stream of its own.
template <class Network, class Backend>
layer_pack<Network, Backend> make_layers(Backend& backend, std::uint64_t seed) {
  const random_stream random(seed, 0x6D6F64656C);  // "model"
  return [&]<std::size_t... Is>(std::index_sequence<Is...>) {
    return layer_pack<Network, Backend>{
        {layer_type<Network, Backend, Is>(backend, Network::program.operations[Is], random.substream(Is))}...};
  }
  (std::make_index_sequence<Network::size>{});
}

}  // namespace localis::detail
