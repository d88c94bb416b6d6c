#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <localis/core/error.hpp>
#include <localis/core/file.hpp>
#include <localis/core/random.hpp>
#include <localis/core/unlabelled.hpp>
#include <localis/data/crop.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/idx.hpp>
#include <localis/data/jpeg.hpp>
#include <localis/data/png.hpp>
#include <localis/data/resize.hpp>
#include <localis/data/share_out.hpp>

/// Pictures in one folder per class, the layout of ImageNet. This component needs libjpeg-turbo and libpng.
namespace localis::data {

/// The part of a picture that becomes a training sample; an evaluation always takes the centre.
enum class crop { centre, random };

struct folder_options {
  std::size_t side = 224;          ///< height and width of a sample, pixels
  std::size_t shorter_side = 256;  ///< shorter side of the resized picture from whose centre a sample is cut, pixels
  crop training = crop::centre;
  random_cut_range range = {};  ///< of crop::random
  std::uint64_t seed = 0;       ///< of crop::random
  bool skip_corrupt = false;    ///< decode every picture once at the start and leave out those that cannot be read
  std::size_t readers = 0;      ///< threads that decode at a time; 0: as many as there are cores
  std::size_t max_pixels = std::size_t{1}
                           << 26;  ///< a picture with more is an error; each pixel takes 3 to 19 bytes during decoding
};

/// Reads and decodes one picture. Its first bytes, not its name, decide between JPEG and PNG.
/// Errors: data_error with the path for a file that cannot be read, is not such a picture, is damaged or cut short, or
///         has more than max_pixels.
[[nodiscard]] inline picture read_picture(const std::filesystem::path& path, std::size_t max_pixels) {
  file_source file(path);
  const std::size_t limit = (std::size_t{1} << 20) + 8 * max_pixels;
  if (file.bound() > limit)
    throw data_error(file.name(), limit, text("at most ", limit, " bytes (max_pixels = ", max_pixels, ")"),
                     text(file.bound()));
  std::vector<std::uint8_t> bytes(file.bound());
  bytes.resize(file.read(bytes));
  if (is_jpeg(bytes)) return decode_jpeg(bytes, file.name(), max_pixels);
  if (is_png(bytes)) return decode_png(bytes, file.name(), max_pixels);
  throw data_error(file.name(), 0, "a JPEG or PNG picture",
                   localis::detail::found_kind(std::span(bytes), bytes.empty() ? "an empty file" : "other bytes"));
}

/// The data set of FOLDER/CLASS/*. The classes are the sorted names of the folders in it, and the samples of a class
/// are the sorted files in and below its folder that end in .jpg, .jpeg or .png. Only names are held in memory: every
/// read decodes its picture anew, and the loader reads with several threads. Samples are `side` x `side` x 3 in [0, 1].
/// They are cut from the centre or, in the epochs of crop::random, at random, as a pure function of (seed, epoch,
/// index).
///
/// A folder with the name `unlabelled` is no class: its pictures are data::unlabelled, and they come after those of the
/// classes. Without another folder there are 0 classes.
///
/// Links to files and folders are followed, as in torchvision's ImageFolder. A link that leads nowhere, or back to a
/// folder that contains it, is left out and listed in skipped().
///
/// Grey pictures become three equal channels, CMYK pictures are converted, and alpha is dropped. Hidden folders are
/// left out.
/// Errors: data_error for a folder that cannot be read or has no folder in it, one in it without a picture, and in
/// `read` for a picture as read_picture says; config_error for the options.
class folder {
 public:
  struct skipped_picture {
    std::filesystem::path path;
    std::string reason;
  };

  explicit folder(std::filesystem::path root, folder_options options = {})
      : root_(std::move(root)), options_(options), random_(options.seed, stream) {
    expect(options_.side > 0, "folder: side", "at least 1", options_.side);
    expect(options_.side <= 65536 && options_.shorter_side <= 65536, "folder: side and shorter_side", "at most 65536",
           (std::max)(options_.side, options_.shorter_side));
    expect(options_.shorter_side >= options_.side, "folder: shorter_side", "at least side", options_.shorter_side);
    expect(options_.max_pixels > 0 && options_.max_pixels <= 0xFFFFFFFF, "folder: max_pixels", "1 to 2^32 - 1",
           options_.max_pixels);
    options_.range.validate();
    if (options_.readers == 0) options_.readers = (std::max)(1U, std::thread::hardware_concurrency());
    std::filesystem::path opened = root_;
    try {
      list(opened);
    } catch (const std::filesystem::filesystem_error& error) {
      throw data_error(text(opened.string(), ": expected a readable folder, found: ", error.code().message()));
    }
    if (options_.skip_corrupt) skip_corrupt();
  }

  [[nodiscard]] std::size_t size() const { return files_.size(); }
  [[nodiscard]] std::size_t height() const { return options_.side; }
  [[nodiscard]] std::size_t width() const { return options_.side; }
  [[nodiscard]] static std::size_t channels() { return 3; }
  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] std::size_t readers() const { return options_.readers; }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::span<const std::string> class_names() const { return std::span(folders_).first(classes_); }
  [[nodiscard]] std::filesystem::path path(std::size_t index) const {
    return root_ / folders_[files_[index].folder] / files_[index].name;
  }
  /// The files that were left out: links that lead nowhere or in a circle, then the pictures that skip_corrupt found,
  /// in the order of the files.
  [[nodiscard]] std::span<const skipped_picture> skipped() const { return skipped_; }

  std::uint32_t read(std::size_t index, std::span<float> features) const {
    std::vector<std::uint8_t> pixels(features.size());
    const std::uint32_t label = read_pixels(index, pixels);
    detail::convert_pixels(pixels, scale, 0.0F, features);
    return label;
  }

  std::uint32_t read(std::size_t index, std::size_t epoch, std::span<float> features) const {
    std::vector<std::uint8_t> pixels(features.size());
    const std::uint32_t label = read_pixels(index, epoch, pixels);
    detail::convert_pixels(pixels, scale, 0.0F, features);
    return label;
  }

  [[nodiscard]] static std::vector<float> pixel_values() { return detail::values_of_pixels(channels(), scale, 0.0F); }

  std::uint32_t read_pixels(std::size_t index, std::span<std::uint8_t> pixels) const {
    detail::check_read("folder", index, size(), side_values(), pixels.size());
    const picture whole = read_picture(path(index), options_.max_pixels);
    return write(index, whole, centre(whole), pixels);
  }

  std::uint32_t read_pixels(std::size_t index, std::size_t epoch, std::span<std::uint8_t> pixels) const {
    if (options_.training == crop::centre) return read_pixels(index, pixels);
    detail::check_read("folder", index, size(), side_values(), pixels.size());
    const picture whole = read_picture(path(index), options_.max_pixels);
    const random_stream random = random_.substream(epoch).substream(index);
    return write(index, whole, random_cut(whole.height, whole.width, options_.side, options_.range, random), pixels);
  }

 private:
  static constexpr float scale = 1.0F / 255.0F;
  static constexpr std::uint64_t stream = 0x666F6C646572;  // "folder"

  struct file {
    std::string name;  ///< below its folder
    std::uint32_t folder;
  };

  [[nodiscard]] std::size_t side_values() const { return options_.side * options_.side * channels(); }

  [[nodiscard]] cut centre(const picture& whole) const {
    return centre_cut(whole.height, whole.width, options_.shorter_side, options_.side);
  }

  std::uint32_t write(std::size_t index, const picture& whole, const cut& window,
                      std::span<std::uint8_t> pixels) const {
    resize(whole, window.source, window.height, window.width, window.kept, pixels);
    return files_[index].folder < classes_ ? files_[index].folder : unlabelled;
  }

  /// Whether the ending of a file's name is that of a picture. Files whose name starts with a dot are not: some systems
  /// keep their own data in such files.
  static bool is_picture(const std::filesystem::path& path) {
    std::string ending = path.extension().string();
    for (char& letter : ending)
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return !is_hidden(path) && (ending == ".jpg" || ending == ".jpeg" || ending == ".png");
  }

  static bool is_hidden(const std::filesystem::path& path) { return path.filename().string().front() == '.'; }

  /// @param opened  set to the folder that is being opened, because an error does not name a folder below another
  void list(std::filesystem::path& opened) {
    namespace fs = std::filesystem;
    std::error_code ignored;  // of a link that leads nowhere: it is no folder
    for (const fs::directory_entry& entry : fs::directory_iterator(root_))
      if (entry.is_directory(ignored) && !is_hidden(entry.path())) folders_.push_back(entry.path().filename().string());
    if (folders_.empty()) throw data_error(text(root_.string(), ": expected a folder for each class, found none"));
    const auto end_of_classes =
        std::partition(folders_.begin(), folders_.end(), [](const std::string& name) { return name != "unlabelled"; });
    classes_ = static_cast<std::size_t>(end_of_classes - folders_.begin());
    std::sort(folders_.begin(), end_of_classes);
    for (std::size_t index = 0; index < folders_.size(); ++index) {
      const fs::path own = root_ / folders_[index];
      opened = own;
      std::vector<std::string> files;
      std::vector<fs::path> parents;
      list_below(own, parents, opened,
                 [&](const fs::path& one) { files.push_back(one.lexically_relative(own).string()); });
      if (files.empty()) throw data_error(text(own.string(), ": expected pictures (.jpg, .jpeg, .png), found none"));
      std::sort(files.begin(), files.end());
      for (std::string& name : files) files_.push_back({std::move(name), static_cast<std::uint32_t>(index)});
    }
    std::sort(skipped_.begin(), skipped_.end(),
              [](const skipped_picture& a, const skipped_picture& b) { return a.path < b.path; });
  }

  /// Calls f(path) for each picture in a folder and below it.
  /// @param parents  the folders that it lies in, without links
  template <class F>
  void list_below(const std::filesystem::path& own, std::vector<std::filesystem::path>& parents,
                  std::filesystem::path& opened, const F& f) {
    namespace fs = std::filesystem;
    opened = own;
    parents.push_back(fs::canonical(own));
    for (const fs::directory_entry& entry : fs::directory_iterator(own)) {
      std::error_code failure;
      const fs::file_status status = entry.status(failure);
      const bool nowhere = status.type() == fs::file_type::not_found ||
                           failure == std::errc::too_many_symbolic_link_levels || failure == std::errc::not_a_directory;
      if (failure && !nowhere) throw fs::filesystem_error("status", opened = entry.path(), failure);
      if (fs::is_directory(status)) {
        opened = entry.path();
        if (std::find(parents.begin(), parents.end(), fs::canonical(entry.path())) == parents.end()) {
          list_below(entry.path(), parents, opened, f);
        } else {
          skipped_.push_back({entry.path(), text(entry.path().string(), ": a link to a folder that it lies in")});
        }
        opened = own;
      } else if (is_picture(entry.path())) {
        if (fs::is_regular_file(status)) {
          f(entry.path());
        } else if (nowhere) {
          skipped_.push_back({entry.path(), text(entry.path().string(), ": a link that leads to no file")});
        }
      }
    }
    parents.pop_back();
  }

  void skip_corrupt() {
    std::vector<std::string> reasons(size());
    detail::share_out(size(), options_.readers, [&](std::size_t i) {
      try {
        static_cast<void>(read_picture(path(i), options_.max_pixels));
      } catch (const data_error& error) {
        reasons[i] = error.what();
      }
    });
    std::vector<std::size_t> sound(folders_.size(), 0);
    std::vector<file> kept;
    for (std::size_t i = 0; i < size(); ++i) {
      if (!reasons[i].empty()) {
        skipped_.push_back({path(i), std::move(reasons[i])});
        continue;
      }
      ++sound[files_[i].folder];
      kept.push_back(std::move(files_[i]));
    }
    files_ = std::move(kept);
    for (std::size_t index = 0; index < folders_.size(); ++index)
      if (sound[index] == 0)
        throw data_error(text((root_ / folders_[index]).string(), ": expected a picture that can be read, found none"));
  }

  std::filesystem::path root_;
  folder_options options_;
  random_stream random_;
  std::vector<std::string> folders_;  ///< those of the classes, then that of pictures without a label
  std::size_t classes_ = 0;
  std::vector<file> files_;
  std::vector<skipped_picture> skipped_;
};

static_assert(dataset_with_epochs<folder> && dataset_with_pixels<folder> && dataset_with_readers<folder>);

struct folder_set {
  folder train;
  folder validation;
};

/// The data sets of FOLDER/train/CLASS/* and FOLDER/val/CLASS/*; samples of the second are always cut from the centre.
/// Errors: as folder, and data_error, with the names, if the classes of the two differ.
[[nodiscard]] inline folder_set train_and_validation(const std::filesystem::path& root, folder_options options = {}) {
  folder train(root / "train", options);
  options.training = crop::centre;
  folder validation(root / "val", options);
  const auto only_in = [](const folder& one, const folder& other) {
    std::vector<std::string> names;
    std::set_difference(one.class_names().begin(), one.class_names().end(), other.class_names().begin(),
                        other.class_names().end(), std::back_inserter(names));
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    return list.empty() ? std::string("none") : list;
  };
  if (!std::ranges::equal(train.class_names(), validation.class_names()))
    throw data_error(text(root.string(), ": expected the same classes in train and val, found only in train: ",
                          only_in(train, validation), "; only in val: ", only_in(validation, train)));
  return {std::move(train), std::move(validation)};
}

}  // namespace localis::data
