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

  framed(const localis::data::any& source, const localis::shape& frame) : source_(&source), frame_(frame) {}

  [[nodiscard]] static bool serves(const localis::shape& picture, const localis::shape& frame) {
    const auto fits = [](std::size_t has, std::size_t wanted) { return has <= wanted && wanted <= has + widest; };
    return fits(picture.height, frame.height) && fits(picture.width, frame.width) &&
           (picture.channels == frame.channels || picture.channels == 1);
  }

  [[nodiscard]] std::size_t size() const { return source_->size(); }
  [[nodiscard]] std::size_t height() const { return frame_.height; }
  [[nodiscard]] std::size_t width() const { return frame_.width; }
  [[nodiscard]] std::size_t channels() const { return frame_.channels; }
  [[nodiscard]] std::size_t classes() const { return source_->classes(); }
  std::uint32_t read(std::size_t index, std::span<float> features) const {
    const localis::shape has = localis::data::shape_of(*source_);
    std::vector<float> small(has.size());
    const std::uint32_t label = source_->read(index, small);
    std::fill(features.begin(), features.end(), 0.0F);
    const std::size_t top = (frame_.height - has.height) / 2;
    const std::size_t left = (frame_.width - has.width) / 2;
    for (std::size_t y = 0; y < has.height; ++y) {
      for (std::size_t x = 0; x < has.width; ++x) {
        for (std::size_t c = 0; c < frame_.channels; ++c) {
          features[((y + top) * frame_.width + x + left) * frame_.channels + c] =
              small[(y * has.width + x) * has.channels + (has.channels == 1 ? 0 : c)];
        }
      }
    }
    return label;
  }

 private:
  const localis::data::any* source_;
  localis::shape frame_;
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
  result.class_names.assign(parts.train.class_names().begin(), parts.train.class_names().end());
  result.train = localis::data::any(std::move(parts.train));
  result.test = localis::data::any(std::move(parts.validation));
  return result;
}

pictures read_any(const settings& chosen, const localis::shape& wanted) {
  if (chosen.source == data_kind::fashion) return read_fashion(chosen);
  if (chosen.source == data_kind::folder) return read_folder(chosen, wanted);
  const bool ten = chosen.source == data_kind::cifar10;
  auto parts = ten ? localis::data::cifar10(chosen.data) : localis::data::cifar100(chosen.data);
  pictures result;
  result.name = ten ? "CIFAR-10" : "CIFAR-100";
  result.train = localis::data::any(std::move(parts.train));
  result.test = localis::data::any(std::move(parts.test));
  if (ten) {
    result.class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  }
  return result;
}

}  // namespace

pictures load_model_pictures(const settings& chosen, const localis::shape& wanted) {
  using localis::data::augmentation;
  using localis::data::augmented;
  pictures all = read_any(chosen, wanted);
  const localis::shape found = localis::data::shape_of(all.train);
  augmentation options;
  if (chosen.source == data_kind::folder) {
    options.normalize = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};  // of ImageNet, as torchvision has them
  } else {
    options.normalize = localis::data::channel_statistics(all.train);
    if (!chosen.plain) options.padding = wanted.height / 8;
  }
  if (!(found == wanted)) {
    if (!framed::serves(found, wanted)) {
      throw localis::config_error(localis::text("--data: ", all.name, ": expected pictures of ", wanted,
                                                ", as this network takes them, found ", found));
    }
    for (localis::data::any* part : {&all.train, &all.test}) {
      *part = localis::data::any_view(*part, [&](const localis::data::any& data) { return framed(data, wanted); });
    }
    options.normalize.mean.resize(wanted.channels, options.normalize.mean[0]);
    options.normalize.deviation.resize(wanted.channels, options.normalize.deviation[0]);
  }
  options.flip = !chosen.plain;
  options.cutout = chosen.cutout;
  for (localis::data::any* part : {&all.train, &all.test}) {
    *part = localis::data::any_view(
        *part, [&](const localis::data::any& data) { return augmented<localis::data::any>(data, options); });
  }
  return divided(chosen, std::move(all));
}

}  // namespace examples
