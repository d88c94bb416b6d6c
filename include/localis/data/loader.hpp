#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <future>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <localis/core/communicator.hpp>
#include <localis/core/error.hpp>
#include <localis/core/random.hpp>
#include <localis/data/batch.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/share_out.hpp>

namespace localis::data {

/// The part of each batch that a loader reads: of N samples in a batch, those in the places from N rank / ranks to
/// N (rank + 1) / ranks. It is empty where the batch has fewer samples than there are ranks.
struct batch_part {
  std::size_t rank = 0;
  std::size_t ranks = 1;

  [[nodiscard]] constexpr std::size_t begin(std::size_t samples) const { return samples * rank / ranks; }
  [[nodiscard]] constexpr std::size_t end(std::size_t samples) const { return samples * (rank + 1) / ranks; }
  /// The size of the largest part of a batch.
  [[nodiscard]] constexpr std::size_t largest(std::size_t samples) const { return (samples + ranks - 1) / ranks; }
};

namespace detail {

/// The part of this rank; the whole batch if there is one rank, and then `ranks` is null.
[[nodiscard]] inline batch_part part_of(const localis::detail::exchange* ranks) {
  return ranks == nullptr ? batch_part{} : batch_part{ranks->rank(), ranks->size()};
}

}  // namespace detail

/// Cuts a data set into batches. The result of get(epoch, step) is a pure function of (seed, epoch, step): any batch
/// may be requested at any time, and each sample occurs once per epoch. While the caller works on a batch, a thread
/// reads the next one, with as many other threads as the data set asks for. A batch that was not read ahead is read at
/// once, with the same result. A data set with epochs gets the epoch of the batch. With a batch_part, the batches are
/// the same, and a part of each is read.
///
/// The data set is held by reference and must outlive the loader. Only one thread at a time may call it.
/// Errors: config_error for a batch of 0 or larger than the data, or a step beyond the epoch; data_error for a label
///         that is not a class. Exceptions of the data set leave the get() that requests the sample, even if another
///         thread read it.
template <class Scalar, dataset Dataset>
class loader {
  static_assert(check_optional_members<Dataset>());

 public:
  [[gnu::cold]] loader(const Dataset& data, std::size_t batch, std::uint64_t seed, bool shuffle = true,
                       const batch_part& part = {})
      : data_(data), batch_(batch), part_(part), random_(seed, stream), shuffle_(shuffle), size_(data.size()) {
    expect(batch > 0, "loader: batch", "at least 1", batch);
    if (batch > size_)
      throw config_error(text("loader: batch: expected at most the ", size_, " samples of the data, found ", batch));
    expect(size_ <= 0xFFFFFFFF, "loader: samples of the data", "at most 2^32 - 1", size_);
    detail::check_shape("loader", shape_of(data));
    constexpr std::size_t fewest_positions = 512;  // a table of 256 floats is half as large as the bytes of a channel
    if (batch * shape_of(data).positions() >= fewest_positions) pixel_values_ = pixel_values_of(data);
    if (!pixel_values_.empty())
      detail::check_count("loader", "pixel_values() of the data", 256 * data.channels(), pixel_values_.size());
  }
  loader(const Dataset&& data, std::size_t batch, std::uint64_t seed, bool shuffle = true,
         const batch_part& = {}) = delete;
  loader(const loader&) = delete;
  loader& operator=(const loader&) = delete;

  /// The number of batches per epoch; a partial last batch counts.
  [[nodiscard]] std::size_t steps() const { return (size_ + batch_ - 1) / batch_; }
  [[nodiscard]] std::size_t batch() const { return batch_; }

  /// Whether get_pixels() gives bytes: if the data set does, and a batch has at least 512 positions, so that its bytes
  /// and their table are smaller than its floats.
  [[nodiscard]] bool gives_pixels() const { return !pixel_values_.empty(); }

  batch_view<Scalar> get(std::size_t epoch, std::size_t step) { return get({epoch, step, false}); }

  /// Like get(), but the batch has bytes in place of features if gives_pixels().
  batch_view<Scalar> get_pixels(std::size_t epoch, std::size_t step) { return get({epoch, step, gives_pixels()}); }

 private:
  static constexpr std::uint64_t stream = 0x6C6F61646572;  // "loader"

  struct place {
    std::size_t epoch = 0;
    std::size_t step = 0;
    bool pixels = false;  ///< whether the batch has bytes in place of features
    bool operator==(const place&) const = default;
  };

  batch_view<Scalar> get(const place& wanted) {
    const auto [epoch, step, pixels] = wanted;
    if (step >= steps()) throw config_error(text("loader: step: expected less than ", steps(), ", found ", step));
    if (pending_.valid() && foreseen_ == wanted) {
      pending_.get();
    } else {
      if (pending_.valid()) pending_.wait();
      pending_ = {};  // a batch that nobody asked for, and any exception of it, is dropped
      fill(back_, wanted);
    }
    std::swap(front_, back_);
    foreseen_ = step + 1 < steps() ? place{epoch, step + 1, pixels} : place{epoch + 1, 0, pixels};
    try {
      pending_ = std::async(std::launch::async, [this, next = foreseen_] { fill(back_, next); });
    } catch (const std::system_error&) {
      // No thread is available: the next call reads its batch itself.
    }
    batch_view<Scalar> view = front_.view();
    if (pixels) view.pixel_values = pixel_values_;
    return view;
  }

  struct buffer {
    std::vector<std::uint32_t> order;  ///< of all samples in `order_epoch`; empty: none yet
    std::size_t order_epoch = 0;
    std::vector<Scalar> features;
    std::vector<std::uint8_t> pixels;
    std::vector<Scalar> targets;
    std::vector<std::uint32_t> labels;
    std::vector<std::uint32_t> indices;

    batch_view<Scalar> view() const { return {labels.size(), features, labels, targets, indices, pixels}; }
  };

  void fill(buffer& batch, place position) const {
    const bool reorder = batch.order.empty() || (shuffle_ && batch.order_epoch != position.epoch);
    if (reorder) {
      batch.order = order(position.epoch);
      batch.order_epoch = position.epoch;
    }
    const std::size_t whole_first = position.step * batch_;
    const std::size_t whole = (std::min)(batch_, size_ - whole_first);
    const std::size_t first = whole_first + part_.begin(whole);
    const std::size_t count = part_.end(whole) - part_.begin(whole);
    const std::size_t values = shape_of(data_).size();
    const std::size_t targets = targets_of(data_);
    batch.features.resize(position.pixels ? 0 : count * values);
    batch.pixels.resize(position.pixels ? count * values : 0);
    batch.targets.resize(count * targets);
    batch.labels.resize(count);
    batch.indices.resize(count);
    detail::share_out(count, readers_of(data_), [&](std::size_t i) {
      const std::uint32_t index = batch.order[first + i];
      batch.indices[i] = index;
      batch.labels[i] = read_sample(batch, i, index, position);
      check_label(index, batch.labels[i]);
      if constexpr (dataset_with_targets<Dataset>)
        write_row(batch.targets, i, targets,
                  [&](std::span<float> row) { read_target_in_epoch(data_, index, position.epoch, row); });
    });
  }

  /// Reads the features or the bytes of a sample into row i of the batch, and returns the label.
  std::uint32_t read_sample(buffer& batch, std::size_t i, std::uint32_t index, const place& position) const {
    const std::size_t values = shape_of(data_).size();
    if constexpr (dataset_with_pixels<Dataset>) {
      if (position.pixels) {
        const auto row = std::span(batch.pixels).subspan(i * values, values);
        return read_pixels_in_epoch(data_, index, position.epoch, row);
      }
    }
    std::uint32_t label = 0;
    write_row(batch.features, i, values,
              [&](std::span<float> row) { label = read_in_epoch(data_, index, position.epoch, row); });
    return label;
  }

  std::vector<std::uint32_t> order(std::size_t epoch) const {
    if (shuffle_) return permutation(random_.substream(epoch), size_);
    std::vector<std::uint32_t> result(size_);
    for (std::size_t i = 0; i < size_; ++i) result[i] = static_cast<std::uint32_t>(i);
    return result;
  }

  /// Data sets write floats: directly into the batch, or through a row of floats.
  template <class Read>
  static void write_row(std::vector<Scalar>& all, std::size_t index, std::size_t length, const Read& read) {
    if (length == 0) return;
    const std::span<Scalar> row(all.data() + index * length, length);
    if constexpr (std::is_same_v<Scalar, float>) {
      read(row);
    } else {
      std::vector<float> floats(length);
      read(std::span<float>(floats));
      std::copy(floats.begin(), floats.end(), row.begin());
    }
  }

  void check_label(std::uint32_t index, std::uint32_t label) const {
    const std::size_t classes = data_.classes();
    if (classes > 0 && label >= classes && label != unlabelled)
      throw data_error(text("loader: label of sample ", index, ": expected less than ", classes, ", found ", label));
  }

  const Dataset& data_;
  std::size_t batch_;
  batch_part part_;
  random_stream random_;
  bool shuffle_;
  std::size_t size_;
  std::vector<float> pixel_values_;  ///< empty if the batches have features alone
  buffer front_;                     ///< the batch that the caller sees
  buffer back_;                      ///< the batch that the thread fills
  place foreseen_;
  std::future<void> pending_;  ///< last, so that its destructor waits for the thread while the buffers are alive
};

}  // namespace localis::data
