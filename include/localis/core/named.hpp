#pragma once

#include <type_traits>

namespace localis::detail {

/// Derives from T and from a class with members of some names. If T has a member `name`, be it a template, overloaded
/// or data, `&named_twice<T, Names>::name` is ambiguous and does not compile. So the library sees an optional member
/// whose signature is not the expected one, instead of skipping it silently. T must be a class from which one can
/// derive; of any other type no member is seen.
template <class T, class Names>
struct named_twice : T, Names {};
template <class T, class Names>
requires(!std::is_class_v<T> || std::is_final_v<T>) struct named_twice<T, Names> : Names {
};

}  // namespace localis::detail
