#pragma once

#include <cstddef>
#include <utility>

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

template <class Backend, class List>
struct layer_states;
template <class Backend, class... Layers>
struct layer_states<Backend, layer_list<Layers...>> {
  using type = indexed_pack<std::index_sequence_for<Layers...>, typename Layers::template state<Backend>...>;
};

}  // namespace localis::detail
