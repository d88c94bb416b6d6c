#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/data/dataset.hpp>

namespace localis::data {

/// A data set whose type is chosen at run time, for example by an option of a program: code that trains with it is
/// compiled once for all data sets.
///
///   data::any training(data::fashion_mnist(folder).train);
///   if (augment) {
///     training = data::any_view(training, [&](const data::any& plain) { return data::augmented(plain, options); });
///   }
///
/// Copies share the data, which is not changed. A default-constructed object is an empty data set. Labels, targets,
/// epochs, bytes and readers are passed on.
///
/// Cost:   one virtual call per sample.
/// Errors: those of the data set that it holds; shape_error for a sample of an empty data set.
class any {
 public:
  any() = default;

  template <class Data>
  requires(!std::same_as<Data, any>) && dataset<Data> explicit any(Data data)
      : held_(std::make_shared<const holder<Data>>(std::move(data), nullptr)) {}

  [[nodiscard]] std::size_t size() const { return held_ == nullptr ? 0 : held_->size(); }
  [[nodiscard]] std::size_t height() const { return extents().height; }
  [[nodiscard]] std::size_t width() const { return extents().width; }
  [[nodiscard]] std::size_t channels() const { return extents().channels; }
  [[nodiscard]] std::size_t classes() const { return held_ == nullptr ? 0 : held_->classes(); }
  [[nodiscard]] std::size_t readers() const { return held_ == nullptr ? 1 : held_->readers(); }

  std::uint32_t read(std::size_t index, std::span<float> features) const {
    check_held(index, features.size());
    return held_->read(index, features);
  }
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    check_held(index, features.size());
    return held_->read(index, epoch, features);
  }

  [[nodiscard]] std::size_t targets() const { return held_ == nullptr ? 0 : held_->targets(); }
  /// Errors: config_error for a data set without targets.
  void read_target(std::size_t index, std::span<float> target) const {
    check_held(index, target.size());
    held_->read_target(index, target);
  }
  void read_target(std::size_t index, std::size_t epoch, std::span<float> target) const {
    check_held(index, target.size());
    held_->read_target(index, epoch, target);
  }

  [[nodiscard]] std::vector<float> pixel_values() const {
    return held_ == nullptr ? std::vector<float>() : held_->pixel_values();
  }
  /// Errors: config_error for a data set that gives no bytes.
  std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const {
    check_held(index, pixels.size());
    return held_->read_pixels(index, pixels);
  }
  std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const {
    check_held(index, pixels.size());
    return held_->read_pixels(index, epoch, pixels);
  }

  template <class Make>
  friend any any_view(const any& data, const Make& make);

 private:
  struct base {
    base() = default;
    base(const base&) = delete;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    [[nodiscard]] virtual std::size_t size() const = 0;
    [[nodiscard]] virtual shape extents() const = 0;
    [[nodiscard]] virtual std::size_t classes() const = 0;
    [[nodiscard]] virtual std::size_t readers() const = 0;
    virtual std::uint32_t read(std::size_t index, std::span<float> features) const = 0;
    virtual std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const = 0;
    [[nodiscard]] virtual std::size_t targets() const = 0;
    virtual void read_target(std::size_t index, std::span<float> target) const = 0;
    virtual void read_target(std::size_t index, std::size_t epoch, std::span<float> target) const = 0;
    [[nodiscard]] virtual std::vector<float> pixel_values() const = 0;
    virtual std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const = 0;
    virtual std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const = 0;
  };

  /// Forwards to the functions that supply what a data set leaves out. The source that a view points to lives as long
  /// as the view.
  template <class Data>
  struct holder final : base {
    static_assert(check_optional_members<Data>());
    holder(Data given, std::shared_ptr<const any> given_source)
        : source(std::move(given_source)), data(std::move(given)) {}

    [[nodiscard]] std::size_t size() const override { return data.size(); }
    [[nodiscard]] shape extents() const override { return shape_of(data); }
    [[nodiscard]] std::size_t classes() const override { return data.classes(); }
    [[nodiscard]] std::size_t readers() const override { return readers_of(data); }
    std::uint32_t read(std::size_t index, std::span<float> features) const override {
      return data.read(index, features);
    }
    std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const override {
      return read_in_epoch(data, index, epoch, features);
    }
    [[nodiscard]] std::size_t targets() const override { return targets_of(data); }
    void read_target([[maybe_unused]] std::size_t index, [[maybe_unused]] std::span<float> target) const override {
      if constexpr (dataset_with_targets<Data>)
        data.read_target(index, target);
      else
        throw config_error("any: expected a data set with targets (read_target), found one without");
    }
    void read_target(std::size_t index, [[maybe_unused]] std::size_t epoch, std::span<float> target) const override {
      if constexpr (dataset_with_targets<Data>)
        read_target_in_epoch(data, index, epoch, target);
      else
        read_target(index, target);
    }
    [[nodiscard]] std::vector<float> pixel_values() const override { return pixel_values_of(data); }
    std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const override {
      if constexpr (dataset_with_pixels<Data>)
        return data.read_pixels(index, pixels);
      else
        throw config_error("any: expected a data set with bytes (read_pixels), found one without");
    }
    std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const override {
      if constexpr (dataset_with_pixels<Data>)
        return read_pixels_in_epoch(data, index, epoch, pixels);
      else
        return read_pixels(index, pixels);
    }

    std::shared_ptr<const any> source;
    Data data;
  };

  [[nodiscard]] shape extents() const { return held_ == nullptr ? shape{0, 0, 0} : held_->extents(); }
  void check_held(std::size_t index, std::size_t values) const {
    if (held_ == nullptr) detail::check_read("any", index, 0, 0, values);
  }

  std::shared_ptr<const base> held_;
};

/// A view of a data set, such as a subset of it or an augmented form, that owns the data set to which it points.
/// @param make  called with a copy of `data` that lives as long as the result; returns a data set that may point to it
template <class Make>
[[nodiscard]] any any_view(const any& data, const Make& make) {
  const auto source = std::make_shared<const any>(data);
  auto view = make(*source);
  any result;
  result.held_ = std::make_shared<const any::holder<decltype(view)>>(std::move(view), source);
  return result;
}

static_assert(dataset_with_epochs<any> && dataset_with_pixels<any> && dataset_with_readers<any> &&
              dataset_with_epoch_targets<any>);

}  // namespace localis::data
