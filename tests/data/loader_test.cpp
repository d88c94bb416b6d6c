#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/pixels.hpp"
#include <doctest/doctest.h>

#include <localis/data/loader.hpp>
#include <localis/data/synthetic.hpp>

namespace data = localis::data;

namespace {

/// Sample i is the two values (i, -i), of class i modulo 3. Sample `broken` throws, sample `mislabelled` has label 3.
struct numbers {
  std::size_t count = 10;
  std::size_t broken = std::numeric_limits<std::size_t>::max();
  std::size_t mislabelled = std::numeric_limits<std::size_t>::max();
  std::chrono::milliseconds delay{0};
  mutable std::atomic<int> reads = 0;

  std::size_t size() const { return count; }
  static std::size_t height() { return 1; }
  static std::size_t width() { return 2; }
  static std::size_t channels() { return 1; }
  static std::size_t classes() { return 3; }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    std::this_thread::sleep_for(delay);
    ++reads;
    if (index == broken) throw std::runtime_error("sample cannot be read");
    features[0] = static_cast<float>(index);
    features[1] = -static_cast<float>(index);
    return index == mislabelled ? 3 : static_cast<std::uint32_t>(index % 3);
  }
};

template <class Scalar>
struct batch_copy {
  std::vector<Scalar> features;
  std::vector<std::uint32_t> labels;
  std::vector<std::uint32_t> indices;
  bool operator==(const batch_copy&) const = default;
};

template <class Scalar, class Dataset>
batch_copy<Scalar> copy(data::loader<Scalar, Dataset>& loader, std::size_t epoch, std::size_t step) {
  const auto view = loader.get(epoch, step);
  CHECK(view.size == view.labels.size());
  return {{view.features.begin(), view.features.end()},
          {view.labels.begin(), view.labels.end()},
          {view.indices.begin(), view.indices.end()}};
}

std::vector<batch_copy<float>> in_order(const numbers& set, std::uint64_t seed, std::size_t epochs) {
  data::loader<float, numbers> loader(set, 4, seed);
  std::vector<batch_copy<float>> all;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch)
    for (std::size_t step = 0; step < loader.steps(); ++step) all.push_back(copy(loader, epoch, step));
  return all;
}

}  // namespace

TEST_CASE("an epoch has each sample once, with its values and label, and keeps the partial batch") {
  const numbers set;
  data::loader<float, numbers> loader(set, 4, 1);
  CHECK(loader.steps() == 3);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int> seen(10, 0);
    for (std::size_t step = 0; step < 3; ++step) {
      const auto batch = loader.get(epoch, step);
      REQUIRE(batch.size == (step < 2 ? 4 : 2));
      REQUIRE(batch.features.size() == batch.size * 2);
      CHECK(batch.targets.empty());
      for (std::size_t i = 0; i < batch.size; ++i) {
        const std::uint32_t index = batch.indices[i];
        ++seen.at(index);
        CHECK(batch.features[2 * i] == static_cast<float>(index));
        CHECK(batch.features[2 * i + 1] == -static_cast<float>(index));
        CHECK(batch.labels[i] == index % 3);
      }
    }
    CHECK(seen == std::vector<int>(10, 1));
  }
}

TEST_CASE("without shuffling the samples come in their own order") {
  const numbers set;
  data::loader<float, numbers> loader(set, 4, 1, false);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    CHECK(copy(loader, epoch, 0).indices == std::vector<std::uint32_t>{0, 1, 2, 3});
    CHECK(copy(loader, epoch, 2).indices == std::vector<std::uint32_t>{8, 9});
  }
}

TEST_CASE("the order follows from the seed and changes with seed and epoch") {
  const numbers set;
  const auto first = in_order(set, 1, 2);
  CHECK(first == in_order(set, 1, 2));
  CHECK(first != in_order(set, 2, 2));
  CHECK(first[0] != first[3]);  // step 0 of epoch 0 and of epoch 1
}

TEST_CASE("batches asked for in any order are those that come in order") {
  const numbers set;
  const auto expected = in_order(set, 5, 4);
  data::loader<float, numbers> loader(set, 4, 5);
  for (std::size_t i = 0; i < 40; ++i) {
    const std::size_t at = i * 7 % 12;
    CHECK(copy(loader, at / 3, at % 3) == expected[at]);
    if (i % 3 == 0) CHECK(copy(loader, at / 3, at % 3) == expected[at]);  // the same once more
  }
}

TEST_CASE("a batch stays as it is while the next one is read") {
  numbers set;
  set.delay = std::chrono::milliseconds(1);
  data::loader<float, numbers> loader(set, 4, 1, false);
  loader.get(0, 0);
  const auto batch = loader.get(0, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(batch.indices[0] == 4);
  CHECK(batch.features[0] == 4.0F);
}

TEST_CASE("the next batch is read ahead, into the next epoch too") {
  const numbers set;
  data::loader<float, numbers> loader(set, 5, 1);
  const auto wait_for = [&set](int reads) {
    for (int i = 0; i < 2000 && set.reads < reads; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // for a read too many to show
    return set.reads == reads;
  };
  loader.get(0, 0);
  CHECK(wait_for(10));
  loader.get(0, 1);
  CHECK(wait_for(15));
  loader.get(1, 0);
  CHECK(wait_for(20));  // each batch was read once
}

TEST_CASE("doubles are the same numbers") {
  const numbers set;
  data::loader<float, numbers> floats(set, 4, 1);
  data::loader<double, numbers> doubles(set, 4, 1);
  for (std::size_t step = 0; step < 3; ++step) {
    const auto a = copy(floats, 0, step);
    const auto b = copy(doubles, 0, step);
    CHECK(a.indices == b.indices);
    CHECK(std::vector<double>(a.features.begin(), a.features.end()) == b.features);
  }
}

TEST_CASE("regression targets come with their samples") {
  const std::vector<float> features = {0, 1, 2, 3, 4};
  const std::vector<float> targets = {0, 10, 1, 11, 2, 12, 3, 13, 4, 14};
  const data::arrays set(localis::shape{1, 1, 1}, features, targets, 2);
  data::loader<double, data::arrays> loader(set, 2, 9);
  for (std::size_t step = 0; step < 3; ++step) {
    const auto batch = loader.get(0, step);
    REQUIRE(batch.targets.size() == batch.size * 2);
    for (std::size_t i = 0; i < batch.size; ++i) {
      CHECK(batch.targets[2 * i] == batch.features[i]);
      CHECK(batch.targets[2 * i + 1] == batch.features[i] + 10);
    }
  }
}

TEST_CASE("what the reading thread threw arrives in the get that wants the batch, and only there") {
  numbers set;
  set.broken = 5;  // in the second batch
  data::loader<float, numbers> loader(set, 4, 1, false);
  CHECK_NOTHROW(loader.get(0, 0));
  CHECK_THROWS_WITH_AS(loader.get(0, 1), "sample cannot be read", std::runtime_error);
  CHECK_THROWS_WITH_AS(loader.get(0, 1), "sample cannot be read", std::runtime_error);
  CHECK(copy(loader, 0, 0).indices[0] == 0);
  CHECK(copy(loader, 0, 2).indices[0] == 8);  // the failed guess in between is forgotten
}

TEST_CASE("a failed read of what was not foreseen leaves nothing behind that would pass for what was") {
  numbers set;
  set.broken = 0;
  data::loader<float, numbers> loader(set, 4, 1, false);
  loader.get(0, 1);  // foresees (0, 2)
  CHECK_THROWS_AS(loader.get(0, 0), std::runtime_error);
  CHECK(copy(loader, 0, 2).indices == std::vector<std::uint32_t>{8, 9});
}

TEST_CASE("a label that is no class is refused") {
  numbers set;
  set.mislabelled = 6;
  data::loader<float, numbers> loader(set, 4, 1, false);
  loader.get(0, 0);
  CHECK_THROWS_WITH_AS(loader.get(0, 1), "loader: label of sample 6: expected less than 3, found 3",
                       localis::data_error);
}

TEST_CASE("a loader may end while its thread reads") {
  numbers set;
  set.delay = std::chrono::milliseconds(2);
  for (int i = 0; i < 5; ++i) {
    data::loader<float, numbers> loader(set, 2, 1);
    loader.get(0, 0);
  }
  set.broken = 2;
  data::loader<float, numbers> loader(set, 2, 1, false);
  CHECK_NOTHROW(loader.get(0, 0));
}

TEST_CASE("bad batches and steps are refused") {
  const numbers set;
  using loader = data::loader<float, numbers>;
  CHECK_THROWS_WITH_AS(loader(set, 0, 1), "loader: batch: expected at least 1, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(loader(set, 11, 1), "loader: batch: expected at most the 10 samples of the data, found 11",
                       localis::config_error);
  loader whole(set, 10, 1);
  CHECK(whole.steps() == 1);
  CHECK_THROWS_WITH_AS(whole.get(0, 1), "loader: step: expected less than 1, found 1", localis::config_error);
}

namespace {

/// Says which epoch it was asked for; each sample takes a while, the first ones longest.
struct epochs : numbers {
  std::size_t threads = 1;
  std::size_t readers() const { return threads; }
  using numbers::read;
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    const std::uint32_t label = numbers::read(index, features);
    features[1] = static_cast<float>(epoch);
    if (delay.count() > 0) std::this_thread::sleep_for(delay * (10 - index) / 4);
    return label;
  }
};

}  // namespace

TEST_CASE("a data set that knows epochs is told the batch's own, in a batch that was read ahead too") {
  const epochs set;
  data::loader<double, epochs> loader(set, 4, 1);
  const auto check = [&](std::size_t epoch, std::size_t step) {
    const auto batch = loader.get(epoch, step);
    for (std::size_t i = 0; i < batch.size; ++i) CHECK(batch.features[2 * i + 1] == static_cast<double>(epoch));
  };
  for (std::size_t epoch = 0; epoch < 3; ++epoch)
    for (std::size_t step = 0; step < 3; ++step) check(epoch, step);
  check(7, 1);
  check(2, 2);

  const data::subset<epochs> some(set, {5, 3, 8});
  data::loader<float, data::subset<epochs>> through(some, 3, 1, false);
  CHECK(through.get(4, 0).features[1] == 4.0F);

  const data::plain<epochs> still(set);
  data::loader<float, data::plain<epochs>> evaluation(still, 3, 1, false);
  CHECK(evaluation.get(4, 0).features[5] == -2.0F);
}

TEST_CASE("any number of readers gives the same batches and the same error") {
  epochs set;
  const auto batches = [&](std::size_t readers) {
    set.threads = readers;
    data::loader<float, epochs> loader(set, 4, 1);
    std::vector<batch_copy<float>> all;
    for (std::size_t at = 0; at < 6; ++at) all.push_back(copy(loader, at / 3, at % 3));
    return all;
  };
  const auto expected = batches(1);
  set.delay = std::chrono::milliseconds(1);
  for (const std::size_t readers : {0U, 2U, 3U, 9U}) CHECK(batches(readers) == expected);

  set.mislabelled = 4;
  set.broken = 5;
  set.threads = 3;
  data::loader<float, epochs> loader(set, 10, 1, false);
  for (int repeat = 0; repeat < 5; ++repeat)
    CHECK_THROWS_WITH_AS(loader.get(0, 0), "loader: label of sample 4: expected less than 3, found 3",
                         localis::data_error);
}

namespace {

/// Pictures of 16 x 16, whose pixels and labels tell sample and epoch.
struct pictures {
  std::size_t broken = std::numeric_limits<std::size_t>::max();
  std::size_t table = 256;
  mutable std::atomic<int> reads = 0;

  static std::size_t size() { return 7; }
  static std::size_t height() { return 16; }
  static std::size_t width() { return 16; }
  static std::size_t channels() { return 1; }
  static std::size_t classes() { return 7; }
  static std::uint32_t write(std::size_t index, std::size_t epoch, auto values) {
    using value = typename decltype(values)::value_type;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<value>((index + 7 * epoch + i) % 256);
    return static_cast<std::uint32_t>(index);
  }
  std::uint32_t read(std::size_t index, std::span<float> features) const { return write(index, 0, features); }
  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    return write(index, epoch, features);
  }
  std::vector<float> pixel_values() const {
    std::vector<float> values(table);
    for (std::size_t i = 0; i < table; ++i) values[i] = static_cast<float>(i);
    return values;
  }
  std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const { return write(index, 0, pixels); }
  std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const {
    ++reads;
    if (index == broken) throw std::runtime_error("sample cannot be read");
    return write(index, epoch, pixels);
  }
};

}  // namespace

TEST_CASE("bytes in place of features, from whichever batch on they are asked for") {
  const pictures set;
  data::loader<double, pictures> features(set, 3, 1);
  data::loader<double, pictures> either(set, 3, 1);
  CHECK(either.gives_pixels());
  const auto check = [&](bool pixels, std::size_t epoch, std::size_t step) {
    const auto expected = features.get(epoch, step);
    const auto found = pixels ? either.get_pixels(epoch, step) : either.get(epoch, step);
    CHECK(found.size == expected.size);
    CHECK(std::vector(found.labels.begin(), found.labels.end()) ==
          std::vector(expected.labels.begin(), expected.labels.end()));
    CHECK(found.features.empty() == pixels);
    CHECK(found.pixels.empty() == !pixels);
    CHECK(found.pixel_values.empty() == !pixels);
    const std::vector<double> wanted(expected.features.begin(), expected.features.end());
    if (pixels) {
      const std::vector<float> values = localis_test::look_up(found.pixels, found.pixel_values);
      CHECK(std::vector<double>(values.begin(), values.end()) == wanted);
    } else {
      CHECK(std::vector(found.features.begin(), found.features.end()) == wanted);
    }
  };
  for (std::size_t step = 0; step < 7; ++step) check(true, step / 3, step % 3);
  check(false, 2, 1);
  check(true, 2, 2);
  check(true, 5, 0);

  // What was read ahead is used.
  const pictures counted;
  data::loader<float, pictures> ahead(counted, 7, 1);
  (void)ahead.get_pixels(0, 0);
  (void)ahead.get_pixels(1, 0);
  (void)ahead.get(9, 0);  // waits for the third
  CHECK(counted.reads == 3 * 7);
}

TEST_CASE("no bytes from a data set without them, nor where a batch is smaller than their table") {
  const numbers none;
  data::loader<float, numbers> features(none, 4, 1);
  CHECK_FALSE(features.gives_pixels());
  CHECK(features.get_pixels(0, 0).features.size() == 8);
  pictures set;
  data::loader<float, pictures> small(set, 1, 1);
  CHECK_FALSE(small.gives_pixels());
  CHECK(small.get_pixels(0, 0).features.size() == 256);
  CHECK(data::loader<float, pictures>(set, 2, 1).gives_pixels());
  set.broken = 3;
  data::loader<float, pictures> broken(set, 7, 1);
  CHECK_THROWS_WITH_AS(broken.get_pixels(0, 0), "sample cannot be read", std::runtime_error);
  set.table = 255;
  const auto make = [&] { const data::loader<float, pictures> made(set, 7, 1); };
  CHECK_THROWS_WITH_AS(make(), "loader: pixel_values() of the data: expected 256, found 255", localis::shape_error);
}

TEST_CASE("loader: parts of a batch make it whole, in its order") {
  const auto data = localis::data::synthetic_images(23, 4, 4, 1, 3, 5);
  localis::data::loader<float, localis::data::images> whole(data, 9, 3);
  for (const std::size_t ranks : {1U, 2U, 3U, 7U}) {
    for (std::size_t step = 0; step < whole.steps(); ++step) {
      const auto batch = whole.get(1, step);
      std::vector<std::uint32_t> indices;
      std::vector<float> features;
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        const localis::data::batch_part part{rank, ranks};
        localis::data::loader<float, localis::data::images> own(data, 9, 3, true, part);
        CHECK(own.steps() == whole.steps());
        const auto view = own.get(1, step);
        CHECK(view.size <= part.largest(9));
        indices.insert(indices.end(), view.indices.begin(), view.indices.end());
        features.insert(features.end(), view.features.begin(), view.features.end());
      }
      CHECK(indices == std::vector<std::uint32_t>(batch.indices.begin(), batch.indices.end()));
      CHECK(features == std::vector<float>(batch.features.begin(), batch.features.end()));
    }
  }
  const localis::data::batch_part last{3, 4};
  CHECK(last.end(2) - last.begin(2) == 1);
  CHECK(localis::data::batch_part{2, 4}.begin(1) == localis::data::batch_part{2, 4}.end(1));  // of one sample, nothing
}
