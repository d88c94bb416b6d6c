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

#include <localis/core/error.hpp>
#include <localis/core/random.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/share_out.hpp>

namespace localis::data {

/// A view of one batch, valid until the next get() of its loader.
template <class Scalar>
struct batch_view {
  std::size_t size = 0;                    ///< samples; the last batch of an epoch may have fewer
  std::span<const Scalar> features;        ///< size x height x width x channels
  std::span<const std::uint32_t> labels;   ///< size
  std::span<const Scalar> targets;         ///< size x targets; empty without targets
  std::span<const std::uint32_t> indices;  ///< size; the numbers of the samples in the data set
};

/// Cuts a data set into batches. The result of get(epoch, step) is a pure function of (seed, epoch, step): any batch
/// may be requested at any time, and each sample occurs once per epoch. While the caller works on a batch, a thread
/// reads the next one, with as many other threads as the data set asks for. A batch that was not read ahead is read at
/// once, with the same result. A data set with epochs gets the epoch of the batch.
///
/// The data set is held by reference and must outlive the loader. Only one thread at a time may call it.
/// Errors: config_error for a batch of 0 or larger than the data, or a step beyond the epoch; data_error for a label
///         that is not a class. Exceptions of the data set leave the get() that requests the sample, even if another
///         thread read it.
template <class Scalar, dataset Dataset>
class loader {
  static_assert(check_optional_members<Dataset>());

 public:
  [[gnu::cold]] loader(const Dataset& data, std::size_t batch, std::uint64_t seed, bool shuffle = true)
      : data_(data), batch_(batch), random_(seed, stream), shuffle_(shuffle), size_(data.size()) {
    expect(batch > 0, "loader: batch", "at least 1", batch);
    if (batch > size_)
      throw config_error(text("loader: batch: expected at most the ", size_, " samples of the data, found ", batch));
    expect(size_ <= 0xFFFFFFFF, "loader: samples of the data", "at most 2^32 - 1", size_);
    detail::check_shape("loader", shape_of(data));
  }
  loader(const Dataset&& data, std::size_t batch, std::uint64_t seed, bool shuffle = true) = delete;
  loader(const loader&) = delete;
  loader& operator=(const loader&) = delete;

  /// The number of batches per epoch; a partial last batch counts.
  [[nodiscard]] std::size_t steps() const { return (size_ + batch_ - 1) / batch_; }
  [[nodiscard]] std::size_t batch() const { return batch_; }

  batch_view<Scalar> get(std::size_t epoch, std::size_t step) {
    if (step >= steps()) throw config_error(text("loader: step: expected less than ", steps(), ", found ", step));
    const place wanted{epoch, step};
    if (pending_.valid() && foreseen_ == wanted) {
      pending_.get();
    } else {
      if (pending_.valid()) pending_.wait();
      pending_ = {};  // a batch that nobody asked for, and any exception of it, is dropped
      fill(back_, wanted);
    }
    std::swap(front_, back_);
    foreseen_ = step + 1 < steps() ? place{epoch, step + 1} : place{epoch + 1, 0};
    try {
      pending_ = std::async(std::launch::async, [this, next = foreseen_] { fill(back_, next); });
    } catch (const std::system_error&) {
      // No thread is available: the next call reads its batch itself.
    }
    return front_.view();
  }

 private:
  static constexpr std::uint64_t stream = 0x6C6F61646572;  // "loader"

  struct place {
    std::size_t epoch = 0;
    std::size_t step = 0;
    bool operator==(const place&) const = default;
  };

  struct buffer {
    std::vector<std::uint32_t> order;  ///< of all samples in `order_epoch`; empty: none yet
    std::size_t order_epoch = 0;
    std::vector<Scalar> features;
    std::vector<Scalar> targets;
    std::vector<std::uint32_t> labels;
    std::vector<std::uint32_t> indices;

    batch_view<Scalar> view() const { return {labels.size(), features, labels, targets, indices}; }
  };

  void fill(buffer& batch, place position) const {
    const bool reorder = batch.order.empty() || (shuffle_ && batch.order_epoch != position.epoch);
    if (reorder) {
      batch.order = order(position.epoch);
      batch.order_epoch = position.epoch;
    }
    const std::size_t first = position.step * batch_;
    const std::size_t count = (std::min)(batch_, size_ - first);
    const std::size_t values = shape_of(data_).size();
    const std::size_t targets = targets_of(data_);
    batch.features.resize(count * values);
    batch.targets.resize(count * targets);
    batch.labels.resize(count);
    batch.indices.resize(count);
    detail::share_out(count, readers_of(data_), [&](std::size_t i) {
      const std::uint32_t index = batch.order[first + i];
      batch.indices[i] = index;
      write_row(batch.features, i, values,
                [&](std::span<float> row) { batch.labels[i] = read_in_epoch(data_, index, position.epoch, row); });
      check_label(index, batch.labels[i]);
      if constexpr (dataset_with_targets<Dataset>)
        write_row(batch.targets, i, targets, [&](std::span<float> row) { data_.read_target(index, row); });
    });
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
    if (classes > 0 && label >= classes)
      throw data_error(text("loader: label of sample ", index, ": expected less than ", classes, ", found ", label));
  }

  const Dataset& data_;
  std::size_t batch_;
  random_stream random_;
  bool shuffle_;
  std::size_t size_;
  buffer front_;  ///< the batch that the caller sees
  buffer back_;   ///< the batch that the thread fills
  place foreseen_;
  std::future<void> pending_;  ///< last, so that its destructor waits for the thread while the buffers are alive
};

}  // namespace localis::data
