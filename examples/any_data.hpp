#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include <localis/data/dataset.hpp>

namespace examples {

/// A data set whose kind only shows when the program runs, so that what trains on it is compiled once. Copies share it.
class any_data {
 public:
  any_data() = default;

  /// @param below  what the data points to, if anything: it is kept as long as this is
  template <localis::data::dataset Data>
  explicit any_data(Data data, std::shared_ptr<const any_data> below = nullptr)
      : held_(std::make_shared<const holder<Data>>(std::move(data), std::move(below))) {}

  [[nodiscard]] std::size_t size() const { return held_->size(); }
  [[nodiscard]] std::size_t height() const { return held_->extents().height; }
  [[nodiscard]] std::size_t width() const { return held_->extents().width; }
  [[nodiscard]] std::size_t channels() const { return held_->extents().channels; }
  [[nodiscard]] std::size_t classes() const { return held_->classes(); }
  [[nodiscard]] std::size_t readers() const { return held_->readers(); }

  std::uint32_t read(std::size_t index, std::span<float> features) const { return held_->read(index, features); }
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    return held_->read(index, epoch, features);
  }

 private:
  struct base {
    base() = default;
    base(const base&) = delete;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    [[nodiscard]] virtual std::size_t size() const = 0;
    [[nodiscard]] virtual localis::shape extents() const = 0;
    [[nodiscard]] virtual std::size_t classes() const = 0;
    [[nodiscard]] virtual std::size_t readers() const = 0;
    virtual std::uint32_t read(std::size_t index, std::span<float> features) const = 0;
    virtual std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const = 0;
  };

  template <class Data>
  struct holder final : base {
    holder(Data given, std::shared_ptr<const any_data> below) : below_(std::move(below)), data_(std::move(given)) {}
    [[nodiscard]] std::size_t size() const override { return data_.size(); }
    [[nodiscard]] localis::shape extents() const override { return localis::data::shape_of(data_); }
    [[nodiscard]] std::size_t classes() const override { return data_.classes(); }
    [[nodiscard]] std::size_t readers() const override { return localis::data::readers_of(data_); }
    std::uint32_t read(std::size_t index, std::span<float> features) const override {
      return data_.read(index, features);
    }
    std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const override {
      return localis::data::read_in_epoch(data_, index, epoch, features);
    }

   private:
    std::shared_ptr<const any_data> below_;
    Data data_;
  };

  std::shared_ptr<const base> held_;
};

static_assert(localis::data::dataset_with_epochs<any_data> && localis::data::dataset_with_readers<any_data>);

/// A view of a data set that is kept with it: `make` gets the data set, and returns a view that points to it.
template <class Make>
[[nodiscard]] any_data view_of(const any_data& from, const Make& make) {
  const auto below = std::make_shared<const any_data>(from);
  return any_data(make(*below), below);
}

}  // namespace examples
