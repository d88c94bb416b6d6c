#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "support/file_faults.hpp"
#include "support/pictures.hpp"
#include "support/pixels.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

#include <localis/core/unlabelled.hpp>
#include <localis/data/augment.hpp>
#include <localis/data/folder.hpp>
#include <localis/data/loader.hpp>

namespace data = localis::data;
using pictures::bytes;

namespace {

const data::folder_options small = {.side = 8, .shorter_side = 10, .readers = 2};

/// One colour all over, so that no resize changes it.
bytes plain_png(std::uint8_t red, std::size_t height, std::size_t width) {
  return pictures::png(height, width, PNG_COLOR_TYPE_RGB, 8,
                       pictures::raster(height, width, 3, [red](std::size_t, std::size_t, std::size_t c) {
                         return static_cast<std::uint8_t>(c == 0 ? red : 7);
                       }));
}

/// What is said of the folder, without its path in front.
template <class Read>
std::string verdict(const temporary_folder& folder, const Read& read) {
  try {
    read();
  } catch (const localis::data_error& error) {
    const std::string message = error.what();
    REQUIRE(message.find(folder.path.string()) == 0);
    return message.substr(folder.path.string().size());
  }
  return "no error";
}

std::string refused(const temporary_folder& folder, const data::folder_options& options = small) {
  return verdict(folder, [&] { const data::folder made(folder.path, options); });
}

std::vector<float> sample(const data::folder& from, std::size_t index) {
  std::vector<float> features(from.height() * from.width() * 3);
  from.read(index, features);
  return features;
}

std::vector<float> sample(const data::folder& from, std::size_t index, std::size_t epoch) {
  std::vector<float> features(from.height() * from.width() * 3);
  from.read(index, epoch, features);
  return features;
}

}  // namespace

TEST_CASE("classes and files come sorted, and a sample is its picture") {
  const temporary_folder folder;
  folder.write("zebra/b.PNG", plain_png(30, 20, 11));
  folder.write("zebra/a.png", plain_png(20, 9, 9));
  folder.write("ant/deeper/x.jpeg", pictures::png(5, 9));  // a PNG under a wrong name
  folder.write("ant/y.JPG", pictures::jpeg(30, 40));
  folder.write("ant/notes.txt", {1, 2, 3});
  folder.write("ant/._y.jpg", {1, 2, 3});
  folder.write(".hidden/z.png", {1});
  folder.write("readme.png", {1});
  const data::folder set(folder.path, small);
  CHECK(set.size() == 4);
  CHECK(set.classes() == 2);
  CHECK(set.readers() == 2);
  CHECK(localis::data::shape_of(set) == localis::shape{8, 8, 3});
  const std::vector<std::string> names(set.class_names().begin(), set.class_names().end());
  CHECK(names == std::vector<std::string>{"ant", "zebra"});
  const std::vector<std::string> expected = {"ant/deeper/x.jpeg", "ant/y.JPG", "zebra/a.png", "zebra/b.PNG"};
  std::vector<float> features(8 * 8 * 3);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(set.path(i) == folder.path / expected[i]);
    CHECK(set.read(i, features) == i / 2);
  }
  CHECK(features[0] == doctest::Approx(30.0 / 255));
  CHECK(features[191] == doctest::Approx(7.0 / 255));

  // The centre: 5 x 9 becomes 10 x 18, of which rows 1 to 8 and columns 5 to 12 remain.
  std::vector<std::uint8_t> direct(8 * 8 * 3);
  data::resize(data::read_picture(set.path(0), 100), {0, 0, 5, 9}, 10, 18, {1, 5, 8, 8}, direct);
  std::vector<float> expected_features;
  for (const std::uint8_t pixel : direct) expected_features.push_back(static_cast<float>(pixel) * (1.0F / 255.0F));
  CHECK(sample(set, 0) == expected_features);
  CHECK(sample(set, 0, 3) == expected_features);  // no random crop was asked for
  localis_test::check_pixels(set);

  CHECK_THROWS_AS(set.read(4, features), localis::shape_error);
  features.resize(100);
  CHECK_THROWS_AS(set.read(0, features), localis::shape_error);
}

TEST_CASE("the folder `unlabelled` is no class, and its pictures come last") {
  const temporary_folder folder;
  folder.write("unlabelled/b.png", plain_png(50, 9, 9));
  folder.write("unlabelled/a/x.png", plain_png(40, 9, 9));
  const data::folder only(folder.path, small);
  CHECK(only.classes() == 0);
  CHECK(only.class_names().empty());
  std::vector<float> features(8 * 8 * 3);
  CHECK(only.size() == 2);
  CHECK(only.read(1, features) == data::unlabelled);
  CHECK(features[0] == doctest::Approx(50.0 / 255));

  folder.write("zebra/1.png", plain_png(30, 9, 9));
  folder.write("ant/1.png", plain_png(10, 9, 9));
  folder.write("Unlabelled/1.png", plain_png(5, 9, 9));
  folder.write("unlabeled/1.png", plain_png(20, 9, 9));
  const data::folder set(folder.path, small);
  const std::vector<std::string> names(set.class_names().begin(), set.class_names().end());
  CHECK(names == std::vector<std::string>{"Unlabelled", "ant", "unlabeled", "zebra"});
  CHECK(set.classes() == 4);
  const std::vector<std::string> expected = {"Unlabelled/1.png", "ant/1.png",          "unlabeled/1.png",
                                             "zebra/1.png",      "unlabelled/a/x.png", "unlabelled/b.png"};
  REQUIRE(set.size() == expected.size());
  for (std::uint32_t i = 0; i < 6; ++i) {
    CHECK(set.path(i) == folder.path / expected[i]);
    CHECK(set.read(i, features) == (i < 4 ? i : data::unlabelled));
    CHECK(set.read(i, 1, features) == (i < 4 ? i : data::unlabelled));
  }
  localis_test::check_pixels(set);
  data::loader<float, data::folder> loader(set, 6, 1);
  const auto batch = loader.get(0, 0);
  CHECK(data::labelled_samples(batch.labels, batch.size) == 4);

  data::folder_options skipping = small;
  skipping.skip_corrupt = true;
  folder.write("unlabelled/b.png", {1});
  const data::folder sound(folder.path, skipping);
  CHECK(sound.size() == 5);
  CHECK(sound.read(4, features) == data::unlabelled);
  folder.write("unlabelled/a/x.png", {1});
  CHECK(refused(folder, skipping) == "/unlabelled: expected a picture that can be read, found none");
}

TEST_CASE("links are followed to files and folders, and those that lead nowhere or in a circle are told") {
  namespace fs = std::filesystem;
  const temporary_folder folder;
  const temporary_folder pool;
  for (const char* name : {"1.png", "2.png", "3.png"}) pool.write(fs::path("cats") / name, pictures::png(9, 9));
  pool.write("dogs/a.png", pictures::png(9, 9));
  folder.write("cat/own.png", pictures::png(9, 9));
  fs::create_directory_symlink(pool / "cats", folder / "cat/part");
  fs::create_symlink(pool / "cats/1.png", folder / "cat/one.png");
  fs::create_symlink("loop.png", folder / "cat/loop.png");
  fs::create_symlink("nowhere.png", folder / "cat/gone.png");
  fs::create_symlink("nowhere", folder / "cat/no folder");
  fs::create_directory_symlink(folder / "cat", pool / "cats/back");  // of its own folder, by way of another
  fs::create_directory_symlink("../cat", folder / "cat/around");
  fs::create_directory_symlink(pool / "dogs", folder / "dog");
  fs::create_symlink("nowhere", folder / "no class");
  fs::create_symlink("circle", folder / "circle");
  const data::folder set(folder.path, small);
  CHECK(set.classes() == 2);
  std::vector<std::string> files;
  for (std::size_t i = 0; i < set.size(); ++i) files.push_back(set.path(i).lexically_relative(folder.path).string());
  CHECK(files == std::vector<std::string>{"cat/one.png", "cat/own.png", "cat/part/1.png", "cat/part/2.png",
                                          "cat/part/3.png", "dog/a.png"});
  CHECK(sample(set, 2) == sample(set, 0));
  std::vector<std::string> told;
  for (const auto& one : set.skipped()) told.push_back(one.reason.substr(folder.path.string().size()));
  CHECK(told == std::vector<std::string>{"/cat/around: a link to a folder that it lies in",
                                         "/cat/gone.png: a link that leads to no file",
                                         "/cat/loop.png: a link that leads to no file",
                                         "/cat/part/back: a link to a folder that it lies in"});
  // Such a file is no picture of a class.
  const temporary_folder empty;
  fs::create_directories(empty / "cat");
  fs::create_symlink("nowhere.png", empty / "cat/gone.png");
  CHECK(refused(empty) == "/cat: expected pictures (.jpg, .jpeg, .png), found none");
}

TEST_CASE("random crops follow from seed, epoch and index, whatever the number of readers") {
  const temporary_folder folder;
  for (int i = 0; i < 6; ++i) folder.write("a/" + std::to_string(i) + ".png", pictures::png(20, 30));
  data::folder_options options = small;
  options.training = data::crop::random;
  options.seed = 5;
  const data::folder set(folder.path, options);
  CHECK(sample(set, 1, 0) == sample(set, 1, 0));
  CHECK(sample(set, 1, 0) != sample(set, 1, 1));
  CHECK(sample(set, 1, 0) != sample(set, 2, 0));  // the same picture under another index
  CHECK(sample(set, 1) == sample(set, 2));        // an evaluation sees the centre
  CHECK(sample(set, 1) != sample(set, 1, 0));
  options.seed = 6;
  CHECK(sample(data::folder(folder.path, options), 1, 0) != sample(set, 1, 0));
  localis_test::check_pixels(set, 2);

  const auto batches = [&](std::size_t readers) {
    options.readers = readers;
    const data::folder own(folder.path, options);
    const data::augmented changed(own, {.padding = 1, .flip = true, .seed = 2});
    CHECK(changed.readers() == readers);
    data::loader<float, data::augmented<data::folder>> loader(changed, 4, 1);
    std::vector<float> all;
    for (std::size_t at = 0; at < 6; ++at) {
      const auto batch = loader.get(at / 2, at % 2);
      all.insert(all.end(), batch.features.begin(), batch.features.end());
    }
    return all;
  };
  const std::vector<float> one = batches(1);
  CHECK(one.size() == 3 * 6 * 192);
  CHECK(batches(2) == one);
  CHECK(batches(5) == one);
}

TEST_CASE("a corrupt picture is an error that names it, or left out when asked") {
  const temporary_folder folder;
  bytes cut = pictures::jpeg(20, 20);
  cut.resize(cut.size() / 2);
  bytes wrong = pictures::png(20, 20);
  wrong[wrong.size() / 2] ^= 4;
  folder.write("a/1.jpg", pictures::jpeg(20, 20));
  folder.write("a/2.jpg", cut);
  folder.write("b/1.png", wrong);
  folder.write("b/2.png", pictures::png(20, 20));
  folder.write("b/3.png", {});
  folder.write("b/4.png", {'G', 'I', 'F', '8', '9', 'a'});
  const data::folder set(folder.path, small);
  CHECK(set.size() == 6);
  const auto read = [&](std::size_t index) { return verdict(folder, [&] { static_cast<void>(sample(set, index)); }); };
  CHECK(read(0) == "no error");
  CHECK(read(1) == "/a/2.jpg: expected a sound JPEG picture, found: Premature end of JPEG file");
  CHECK(read(2).find("/b/1.png: at byte ") == 0);
  CHECK(read(4) == "/b/3.png: at byte 0: expected a JPEG or PNG picture, found an empty file");
  CHECK(read(5) == "/b/4.png: at byte 0: expected a JPEG or PNG picture, found a GIF picture");
  folder.write("b/4.png", {'t', 'e', 'x', 't'});
  CHECK(read(5) == "/b/4.png: at byte 0: expected a JPEG or PNG picture, found other bytes");
  data::loader<float, data::folder> loader(set, 6, 1);
  CHECK(verdict(folder, [&] { loader.get(0, 0); }).find("expected a") != std::string::npos);

  data::folder_options skipping = small;
  skipping.skip_corrupt = true;
  const data::folder sound(folder.path, skipping);
  CHECK(sound.size() == 2);
  CHECK(sound.classes() == 2);
  CHECK(sound.path(1) == folder.path / "b/2.png");
  std::vector<float> features(192);
  CHECK(sound.read(1, features) == 1);
  REQUIRE(sound.skipped().size() == 4);
  CHECK(sound.skipped()[0].path == folder.path / "a/2.jpg");
  CHECK(sound.skipped()[0].reason.find("Premature end of JPEG file") != std::string::npos);
  CHECK(sound.skipped()[3].path == folder.path / "b/4.png");
  CHECK(data::folder(folder.path, small).skipped().empty());

  folder.write("c/1.png", cut);
  CHECK(refused(folder, skipping) == "/c: expected a picture that can be read, found none");
  std::filesystem::remove(folder.path / "a/1.jpg");
  CHECK(verdict(folder, [&] { static_cast<void>(sample(set, 0)); }) ==
        "/a/1.jpg: expected a readable file, found: No such file or directory");
}

TEST_CASE("a picture that goes, is cut or replaced after the listing is an error in the batch that wants it") {
  const temporary_folder folder;
  const bytes good = pictures::png(20, 20);
  for (const char* name : {"a/1.png", "a/2.png", "b/1.png", "b/2.png"}) folder.write(name, good);
  const data::folder set(folder.path, small);
  const auto path = folder.path / "a/2.png";
  data::loader<float, data::folder> loader(set, 2, 1, false);
  const auto first = [&] { return verdict(folder, [&] { loader.get(0, 0); }); };
  CHECK(first() == "no error");
  std::filesystem::remove(path);
  CHECK(first() == "/a/2.png: expected a readable file, found: No such file or directory");
  std::filesystem::create_directory(path);
  CHECK(first() == "/a/2.png: expected a readable file, found: Is a directory");
  std::filesystem::remove(path);
  folder.write("a/2.png", good);
  std::filesystem::resize_file(path, good.size() / 2);
  CHECK(first().find("/a/2.png: at byte ") == 0);
  std::filesystem::resize_file(path, 0);
  CHECK(first() == "/a/2.png: at byte 0: expected a JPEG or PNG picture, found an empty file");
  folder.write("a/2.png", good);
  {
    const file_faults::permissions none(path, std::filesystem::perms::none);
    const std::string message = file_faults::refusal_as_nobody([&] { static_cast<void>(sample(set, 1)); });
    if (!message.empty()) CHECK(message == path.string() + ": expected a readable file, found: Permission denied");
  }
  CHECK(first() == "no error");  // once it is back
  CHECK(verdict(folder, [&] { loader.get(0, 1); }) == "no error");
}

TEST_CASE("a folder that may not be read is named, wherever it lies") {
  const temporary_folder folder;
  folder.write("a/1.png", pictures::png(9, 9));
  folder.write("a/deep/er/1.png", pictures::png(9, 9));
  for (const char* name : {"", "a", "a/deep", "a/deep/er"}) {
    const auto path = name[0] == '\0' ? folder.path : folder.path / name;
    const file_faults::permissions none(path, std::filesystem::perms::none);
    const std::string message = file_faults::refusal_as_nobody([&] { const data::folder made(folder.path, small); });
    if (!message.empty()) CHECK(message == path.string() + ": expected a readable folder, found: Permission denied");
  }
}

TEST_CASE("a picture larger than allowed is refused") {
  const temporary_folder folder;
  folder.write("a/1.png", pictures::png(20, 20));
  data::folder_options options = small;
  options.max_pixels = 399;
  const data::folder set(folder.path, options);
  CHECK(verdict(folder, [&] { static_cast<void>(sample(set, 0)); })
            .find("expected at most max_pixels = 399, found "
                  "20x20 pixels") != std::string::npos);
  folder.write("a/1.png", {});
  std::filesystem::resize_file(folder.path / "a/1.png", std::size_t{1} << 40);
  CHECK(verdict(folder, [&] { static_cast<void>(sample(set, 0)); }) ==
        "/a/1.png: at byte 1051768: expected at most 1051768 bytes (max_pixels = 399), found 1099511627776");
}

TEST_CASE("a folder without classes, and a class without pictures, are errors") {
  const temporary_folder folder;
  CHECK(verdict(folder, [&] { const data::folder made(folder.path / "absent", small); }) ==
        "/absent: expected a readable folder, found: No such file or directory");
  folder.write("file.png", pictures::png(9, 9));
  CHECK(refused(folder) == ": expected a folder for each class, found none");
  CHECK(verdict(folder, [&] { const data::folder made(folder.path / "file.png", small); }) ==
        "/file.png: expected a readable folder, found: Not a directory");
  folder.write("full/x.png", pictures::png(9, 9));
  folder.write("empty/x.txt", {1});
  CHECK(refused(folder) == "/empty: expected pictures (.jpg, .jpeg, .png), found none");
}

TEST_CASE("train and val must have the same classes, and val is cut from the centre") {
  const temporary_folder folder;
  const auto read = [&] {
    data::folder_options options = small;
    options.training = data::crop::random;
    return data::train_and_validation(folder.path, options);
  };
  for (const char* name : {"train/a/x.png", "train/b/x.png", "val/a/x.png"}) folder.write(name, pictures::png(20, 30));
  CHECK(verdict(folder, [&] { static_cast<void>(read()); }) ==
        ": expected the same classes in train and val, found only in train: b; only in val: none");
  folder.write("val/c/x.png", pictures::png(20, 30));
  CHECK(verdict(folder, [&] { static_cast<void>(read()); }) ==
        ": expected the same classes in train and val, found only in train: b; only in val: c");
  std::filesystem::rename(folder.path / "val/c", folder.path / "val/b");
  folder.write("train/unlabelled/x.png", pictures::png(20, 30));  // in one of them alone
  const data::folder_set set = read();
  CHECK(set.train.size() == 3);
  CHECK(sample(set.train, 1, 0) != sample(set.train, 1));
  CHECK(sample(set.validation, 1, 0) == sample(set.train, 1));
  CHECK(set.validation.path(1) == folder.path / "val/b/x.png");
}

TEST_CASE("bad options are refused") {
  const temporary_folder folder;
  folder.write("a/1.png", pictures::png(9, 9));
  const auto make = [&](const data::folder_options& options) { const data::folder made(folder.path, options); };
  CHECK_NOTHROW(make({}));
  CHECK_THROWS_WITH_AS(make({.side = 0}), "folder: side: expected at least 1, found 0", localis::config_error);
  CHECK_THROWS_WITH_AS(make({.side = 30, .shorter_side = 29}), "folder: shorter_side: expected at least side, found 29",
                       localis::config_error);
  CHECK_THROWS_AS(make({.shorter_side = 65537}), localis::config_error);
  CHECK_THROWS_AS(make({.range = {.least_area = 2}}), localis::config_error);
  CHECK_THROWS_AS(make({.max_pixels = 0}), localis::config_error);
}
