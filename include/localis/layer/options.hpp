#pragma once

#include <cstddef>
#include <type_traits>

#include <localis/core/operation.hpp>
#include <localis/core/shape.hpp>
#include <localis/rule/check_rule.hpp>
#include <localis/rule/policy.hpp>
#include <localis/rule/rule.hpp>

/// Options of a layer, in any order: conv2d<64, 3, stride<2>, padding<1>, no_bias, rule::oja>. Lengths are in pixels;
/// where they are two, the first is along the height and the second along the width:
/// conv2d<64, kernel_size<1, 5>, stride<1, 2>, padding<0, 2>>.
namespace localis {

/// A window that is not a square, in place of the side of a square.
template <std::size_t Height, std::size_t Width>
inline constexpr lengths kernel_size{Height, Width};

template <std::size_t Height, std::size_t Width = Height>
struct stride {
  static constexpr lengths value{Height, Width};
};

template <std::size_t Height, std::size_t Width = Height>
struct padding {
  static constexpr lengths value{Height, Width};
};

/// The distance between neighbouring cells of the window, in pixels.
template <std::size_t Height, std::size_t Width = Height>
struct dilation {
  static constexpr lengths value{Height, Width};
};

/// Divides input channels and units into groups: a unit sees only the channels of its group.
template <std::size_t Count>
struct groups {
  static constexpr lengths value = Count;
};

struct no_bias {};

/// Of pooling: windows that the image ends within count too, so that output extents are rounded up.
struct ceil_mode {};

namespace detail {

enum class number_option { none, stride, padding, dilation, groups };

template <class Option>
struct option_kind {
  static constexpr number_option kind = number_option::none;
};
template <std::size_t Height, std::size_t Width>
struct option_kind<stride<Height, Width>> {
  static constexpr number_option kind = number_option::stride;
};
template <std::size_t Height, std::size_t Width>
struct option_kind<padding<Height, Width>> {
  static constexpr number_option kind = number_option::padding;
};
template <std::size_t Height, std::size_t Width>
struct option_kind<dilation<Height, Width>> {
  static constexpr number_option kind = number_option::dilation;
};
template <std::size_t N>
struct option_kind<groups<N>> {
  static constexpr number_option kind = number_option::groups;
};

/// An option of a layer over signals, as the option of the same layer over images of height 1: its length is that along
/// the width.
template <class Option>
struct along_width {
  using type = Option;
};
template <std::size_t N>
struct along_width<stride<N, N>> {
  using type = stride<1, N>;
};
template <std::size_t N>
struct along_width<padding<N, N>> {
  using type = padding<0, N>;
};
template <std::size_t N>
struct along_width<dilation<N, N>> {
  using type = dilation<1, N>;
};

/// The operation of a layer over images as that of a layer over signals, which takes images of height 1 alone.
constexpr operation over_signals(const char* name, operation op) {
  op.name = name;
  if (op.in.height != 1 || (op.problem == misfit::none && op.out.height != 1)) op.problem = misfit::other;
  return op;
}

template <class Option>
struct is_rule : std::bool_constant<rule::local_rule<Option>> {};
template <class Rule, class... Policies>
struct is_rule<rule::local<Rule, Policies...>> : std::bool_constant<rule::local_rule<Rule>> {};
template <>
struct is_rule<rule::gradient> : std::true_type {};
template <>
struct is_rule<rule::local<rule::gradient, rule::sampled_rows>> : std::true_type {};

template <class Option>
inline constexpr bool is_number_option = option_kind<Option>::kind != number_option::none;

template <class Option>
inline constexpr bool is_option = is_number_option<Option> || is_rule<Option>::value ||
                                  std::is_same_v<Option, no_bias> || std::is_same_v<Option, ceil_mode>;

/// Explains at compile time why Option is not an option of a layer. The value is always true: the message is the
/// compile error.
template <class Option>
constexpr bool check_option() {
  using bare_rule = typename rule::detail::rule_of<Option>::type;
  if constexpr (!is_option<Option> && (!std::is_same_v<bare_rule, Option> || rule::detail::resembles_rule<Option>)) {
    rule::check_rule<bare_rule>();
  } else {
    static_assert(is_option<Option>,
                  "localis: a layer's option is neither stride<N>, padding<N>, dilation<N>, groups<N>, no_bias, "
                  "ceil_mode, nor a "
                  "rule. A rule has a gate: template <class T> constexpr T gate(T u) const");
  }
  return true;
}

template <class... Options>
constexpr bool check_one_rule() {
  static_assert((is_rule<Options>::value + ... + 0) <= 1, "localis: a layer has one rule, this one has more");
  return true;
}

/// Reads the options of a layer from its pack.
template <class... Options>
struct read_options {
  static_assert((check_option<Options>() && ... && check_one_rule<Options...>()));

  template <number_option Kind>
  static constexpr bool has = ((option_kind<Options>::kind == Kind) || ... || false);
  template <number_option Kind>
  static constexpr lengths value_or(lengths value) {
    [[maybe_unused]] const auto read = [&]<class Option>(const Option*) {
      if constexpr (option_kind<Option>::kind == Kind) value = Option::value;
    };
    (read(static_cast<const Options*>(nullptr)), ...);
    return value;
  }
  static constexpr bool has_stride = has<number_option::stride>;
  static constexpr lengths stride = value_or<number_option::stride>(1);
  static constexpr lengths padding = value_or<number_option::padding>(0);
  static constexpr lengths dilation = value_or<number_option::dilation>(1);
  static constexpr std::size_t groups = value_or<number_option::groups>(1).height;
  static constexpr bool rounds_up = (std::is_same_v<Options, ceil_mode> || ... || false);
  static constexpr bool has_bias = !(std::is_same_v<Options, no_bias> || ... || false);
  using rule = rule::as_local<typename rule::detail::first_of<is_rule, rule::gradient, Options...>::type>;
  using bare_rule = typename localis::rule::detail::rule_of<rule>::type;
  static constexpr local_learning learning = [] {
    if (std::is_same_v<bare_rule, localis::rule::gradient>) return local_learning::none;
    if (localis::rule::remembers_errors<bare_rule>()) return local_learning::supervised_by_errors;
    return localis::rule::supervised<bare_rule> ? local_learning::supervised : local_learning::unsupervised;
  }();
  /// Whether the rule needs at least as many inputs as units, because each unit learns what the units before it leave
  /// over.
  static constexpr bool orders_units = localis::rule::forgets_by<bare_rule>() == localis::rule::matrix_forget::lower;
};

}  // namespace detail
}  // namespace localis
