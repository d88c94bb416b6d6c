#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <localis/core/any_value.hpp>
#include <localis/core/shape.hpp>

namespace localis::data {

/// The concept of a data set, from which a loader reads. `read(i, features)` writes sample i, row-major, channels last,
/// into exactly height * width * channels floats and returns its label; several threads may call it at the same time.
/// For a data set without labels, classes() is 0, and `read` returns 0; a single sample without a label, or
/// without a row of targets, is `unlabelled`.
template <class Dataset>
concept dataset = requires(const Dataset& data, std::size_t index, std::span<float> features) {
  { data.size() } -> std::convertible_to<std::size_t>;
  { data.height() } -> std::convertible_to<std::size_t>;
  { data.width() } -> std::convertible_to<std::size_t>;
  { data.channels() } -> std::convertible_to<std::size_t>;
  { data.classes() } -> std::convertible_to<std::size_t>;
  { data.read(index, features) } -> std::convertible_to<std::uint32_t>;
};

/// A data set that also has a row of `targets()` floats per sample, for regression.
template <class Dataset>
concept dataset_with_targets = dataset<Dataset> &&
    requires(const Dataset& data, std::size_t index, std::span<float> target) {
  { data.targets() } -> std::convertible_to<std::size_t>;
  data.read_target(index, target);
};

/// A data set whose samples differ from epoch to epoch, as augmented ones do: `read(i, epoch, features)` writes sample
/// i of that epoch, a pure function of i and epoch. `read(i, features)` writes the sample as an evaluation sees it.
template <class Dataset>
concept dataset_with_epochs = dataset<Dataset> &&
    requires(const Dataset& data, std::size_t index, std::size_t epoch, std::span<float> features) {
  { data.read(index, epoch, features) } -> std::convertible_to<std::uint32_t>;
};

/// A data set with epochs whose targets differ from epoch to epoch, too, as those of mixed samples do:
/// `read_target(i, epoch, target)` writes those of `read(i, epoch, features)`.
template <class Dataset>
concept dataset_with_epoch_targets = dataset_with_targets<Dataset> && dataset_with_epochs<Dataset> &&
    requires(const Dataset& data, std::size_t index, std::size_t epoch, std::span<float> target) {
  data.read_target(index, epoch, target);
};

/// A data set that is slow to read: a loader should read it with `readers()` threads.
template <class Dataset>
concept dataset_with_readers = dataset<Dataset> && requires(const Dataset& data) {
  { data.readers() } -> std::convertible_to<std::size_t>;
};

/// A data set of pictures whose values come from bytes. `read_pixels` writes the bytes of a sample, one per value in
/// the order of `read`, and returns its label; a data set with epochs also has `read_pixels(i, epoch, pixels)`.
/// `pixel_values()` tells what the bytes stand for: 256 x channels floats, of which number p * channels + c is the
/// feature of byte p in channel c, bit for bit that of `read`. It is empty if this data set has no such bytes after
/// all. A trainer sends bytes to a GPU, a quarter of the floats.
template <class Dataset>
concept dataset_with_pixels = dataset<Dataset> &&
    requires(const Dataset& data, std::size_t index, std::span<std::uint8_t> pixels) {
  { data.pixel_values() } -> std::convertible_to<std::vector<float>>;
  { data.read_pixels(index, pixels) } -> std::convertible_to<std::uint32_t>;
} &&(!dataset_with_epochs<Dataset> ||
     requires(const Dataset& data, std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) {
       { data.read_pixels(index, epoch, pixels) } -> std::convertible_to<std::uint32_t>;
     });

namespace detail {

template <class Dataset, class Last>
concept reads_three = requires(Dataset& data, std::size_t index, Last last) {
  data.read(index, index, last);
};
template <class Dataset, class Last>
concept reads_three_targets = requires(Dataset& data, std::size_t index, Last last) {
  data.read_target(index, index, last);
};
template <class Dataset, class Last>
concept reads_pixels = requires(Dataset& data, std::size_t index, Last last) {
  data.read_pixels(index, last);
};
template <class Dataset, class Last>
concept reads_three_pixels = requires(Dataset& data, std::size_t index, Last last) {
  data.read_pixels(index, index, last);
};

}  // namespace detail

// A member that has the name of an optional one but would not be called would be skipped silently.
template <class Dataset>
concept target_members_fit = (dataset_with_targets<Dataset> || !(
                                                                   requires { &Dataset::read_target; } ||
                                                                   requires(Dataset & data) { data.targets(); })) &&
                             (dataset_with_epoch_targets<Dataset> ||
                              !(detail::reads_three_targets<Dataset, localis::detail::any_value> ||
                                detail::reads_three_targets<Dataset, localis::detail::any_reference>));
template <class Dataset>
concept epoch_members_fit =
    dataset_with_epochs<Dataset> || !(detail::reads_three<Dataset, localis::detail::any_value> ||
                                      detail::reads_three<Dataset, localis::detail::any_reference>);
template <class Dataset>
concept reader_members_fit = dataset_with_readers<Dataset> || !requires {
  &Dataset::readers;
};

template <class Dataset>
concept pixel_members_fit = (dataset_with_pixels<Dataset> ||
                             !(detail::reads_pixels<Dataset, localis::detail::any_value> ||
                               detail::reads_pixels<Dataset, localis::detail::any_reference> ||
                               requires(Dataset & data) { data.pixel_values(); })) &&
                            ((dataset_with_pixels<Dataset> && dataset_with_epochs<Dataset>) ||
                             !(detail::reads_three_pixels<Dataset, localis::detail::any_value> ||
                               detail::reads_three_pixels<Dataset, localis::detail::any_reference>));

/// Explains at compile time which member of a data set would never be called. The value is always true: the explanation
/// is the compile error.
template <dataset Dataset>
constexpr bool check_optional_members() {
  static_assert(target_members_fit<Dataset>,
                "localis: your data set's targets() or read_target() would never be called. Expected both: "
                "std::size_t targets() const; void read_target(std::size_t index, std::span<float> target) const; and, "
                "only in a data set with read(index, epoch, features), "
                "void read_target(std::size_t index, std::size_t epoch, std::span<float> target) const");
  static_assert(epoch_members_fit<Dataset>,
                "localis: your data set's read(index, epoch, features) would never be called. Expected: "
                "std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const");
  static_assert(
      pixel_members_fit<Dataset>,
      "localis: your data set's pixel_values() or read_pixels() would never be called. Expected both: "
      "std::vector<float> pixel_values() const; "
      "std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const; and, in a data set "
      "with read(index, epoch, features) and in no other, "
      "std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const");
  static_assert(reader_members_fit<Dataset>,
                "localis: your data set's readers() would never be called. Expected: std::size_t readers() const");
  return true;
}

template <dataset Dataset>
[[nodiscard]] shape shape_of(const Dataset& data) {
  return {data.height(), data.width(), data.channels()};
}

/// The number of values per target row; 0 for a data set without targets.
template <dataset Dataset>
[[nodiscard]] std::size_t targets_of(const Dataset& data) {
  if constexpr (dataset_with_targets<Dataset>)
    return data.targets();
  else
    return 0;
}

/// Reads sample `index` of an epoch; a data set without epochs gives the same sample in each.
template <dataset Dataset>
std::uint32_t read_in_epoch(const Dataset& data, std::size_t index, std::size_t epoch, std::span<float> features) {
  if constexpr (dataset_with_epochs<Dataset>)
    return data.read(index, epoch, features);
  else
    return data.read(index, features);
}

/// Reads the target of sample `index` of an epoch, as read_in_epoch() its features.
template <dataset_with_targets Dataset>
void read_target_in_epoch(const Dataset& data, std::size_t index, std::size_t epoch, std::span<float> target) {
  if constexpr (dataset_with_epoch_targets<Dataset>)
    data.read_target(index, epoch, target);
  else
    data.read_target(index, target);
}

/// What the bytes of a sample stand for; empty for a data set that gives none.
template <dataset Dataset>
[[nodiscard]] std::vector<float> pixel_values_of(const Dataset& data) {
  if constexpr (dataset_with_pixels<Dataset>)
    return data.pixel_values();
  else
    return {};
}

/// Reads the bytes of sample `index` of an epoch, as read_in_epoch() its features.
template <dataset_with_pixels Dataset>
std::uint32_t read_pixels_in_epoch(const Dataset& data, std::size_t index, std::size_t epoch,
                                   std::span<std::uint8_t> pixels) {
  if constexpr (dataset_with_epochs<Dataset>)
    return data.read_pixels(index, epoch, pixels);
  else
    return data.read_pixels(index, pixels);
}

/// The number of threads to read with; 1 for a data set without readers().
template <dataset Dataset>
[[nodiscard]] std::size_t readers_of(const Dataset& data) {
  if constexpr (dataset_with_readers<Dataset>)
    return data.readers();
  else
    return 1;
}

}  // namespace localis::data
