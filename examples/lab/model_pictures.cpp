#include "model_pictures.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/path_text.hpp"

#include <localis/core/error.hpp>
#include <localis/core/shape.hpp>
#include <localis/data/any.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/cifar.hpp>
#include <localis/data/folder.hpp>

namespace examples {

namespace {

/// A data set of larger pictures with the original in the middle and 0 around it. A grey picture is repeated if three
/// channels are needed.
class framed {
 public:
  static constexpr std::size_t widest = 8;  ///< pixels that a picture may be too small

  framed(const localis::data::any& from, const localis::shape& to) : from_(&from), to_(to) {}

  [[nodiscard]] static bool serves(const localis::shape& from, const localis::shape& to) {
    const auto near = [](std::size_t has, std::size_t wanted) { return has <= wanted && wanted <= has + widest; };
    return near(from.height, to.height) && near(from.width, to.width) &&
           (from.channels == to.channels || from.channels == 1);
  }

  [[nodiscard]] std::size_t size() const { return from_->size(); }
  [[nodiscard]] std::size_t height() const { return to_.height; }
  [[nodiscard]] std::size_t width() const { return to_.width; }
  [[nodiscard]] std::size_t channels() const { return to_.channels; }
  [[nodiscard]] std::size_t classes() const { return from_->classes(); }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    const localis::shape has = localis::data::shape_of(*from_);
    std::vector<float> small(has.size());
    const std::uint32_t label = from_->read(index, small);
    std::fill(features.begin(), features.end(), 0.0F);
    const std::size_t top = (to_.height - has.height) / 2;
    const std::size_t left = (to_.width - has.width) / 2;
    for (std::size_t y = 0; y < has.height; ++y) {
      for (std::size_t x = 0; x < has.width; ++x) {
        for (std::size_t c = 0; c < to_.channels; ++c) {
          features[((y + top) * to_.width + x + left) * to_.channels + c] =
              small[(y * has.width + x) * has.channels + (has.channels == 1 ? 0 : c)];
        }
      }
    }
    return label;
  }

 private:
  const localis::data::any* from_;
  localis::shape to_;
};

pictures read_folder(const settings& chosen, const localis::shape& wanted) {
  localis::data::folder_options options;
  options.side = wanted.height;
  options.shorter_side = wanted.height * 8 / 7;  // 256 for 224
  options.training = chosen.plain ? localis::data::crop::centre : localis::data::crop::random;
  options.skip_corrupt = chosen.skip_corrupt;
  options.readers = chosen.threads;
  auto parts = localis::data::train_and_validation(chosen.data, options);
  pictures result;
  result.name = path_text(chosen.data);
  const std::size_t skipped = parts.train.skipped().size() + parts.validation.skipped().size();
  for (const auto* part : {&parts.train, &parts.validation}) {
    for (const auto& one : part->skipped()) std::cerr << "left out: " << one.reason << '\n';
  }
  if (skipped > 0) result.note = localis::text(skipped, " pictures that cannot be read were left out.");
  result.train = localis::data::any(std::move(parts.train));
  result.test = localis::data::any(std::move(parts.validation));
  return result;
}

pictures read_any(const settings& chosen, const localis::shape& wanted) {
  if (chosen.source == data_kind::fashion) return read_fashion(chosen);
  if (chosen.source == data_kind::folder) return read_folder(chosen, wanted);
  const bool ten = chosen.source == data_kind::cifar10;
  auto parts = ten ? localis::data::cifar10(chosen.data) : localis::data::cifar100(chosen.data);
  return {ten ? "CIFAR-10" : "CIFAR-100",
          "",
          localis::data::any(std::move(parts.train)),
          {},
          localis::data::any(std::move(parts.test))};
}

}  // namespace

pictures load_model_pictures(const settings& chosen, const localis::shape& wanted) {
  using localis::data::augmentation;
  using localis::data::augmented;
  pictures all = read_any(chosen, wanted);
  const localis::shape found = localis::data::shape_of(all.train);
  augmentation how;
  if (chosen.source == data_kind::folder) {
    how.normalize = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};  // of ImageNet, as torchvision has them
  } else {
    how.normalize = localis::data::channel_statistics(all.train);
    if (!chosen.plain) how.padding = wanted.height / 8;
  }
  if (!(found == wanted)) {
    if (!framed::serves(found, wanted)) {
      throw localis::config_error(localis::text("--data: ", all.name, ": expected pictures of ", wanted,
                                                ", as this network takes them, found ", found));
    }
    for (localis::data::any* part : {&all.train, &all.test}) {
      *part = localis::data::any_view(*part, [&](const localis::data::any& below) { return framed(below, wanted); });
    }
    how.normalize.mean.resize(wanted.channels, how.normalize.mean[0]);
    how.normalize.deviation.resize(wanted.channels, how.normalize.deviation[0]);
  }
  how.flip = !chosen.plain;
  how.cutout = chosen.cutout;
  for (localis::data::any* part : {&all.train, &all.test}) {
    *part = localis::data::any_view(
        *part, [&](const localis::data::any& below) { return augmented<localis::data::any>(below, how); });
  }
  return divided(chosen, std::move(all));
}

}  // namespace examples
