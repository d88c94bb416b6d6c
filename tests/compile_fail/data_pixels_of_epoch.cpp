// expect: localis: your data set's pixel_values() or read_pixels() would never be called.
#include <localis/data/loader.hpp>

struct my_data {
  [[nodiscard]] std::size_t size() const { return 4; }
  [[nodiscard]] std::size_t height() const { return 1; }
  [[nodiscard]] std::size_t width() const { return 1; }
  [[nodiscard]] std::size_t channels() const { return 2; }
  [[nodiscard]] std::size_t classes() const { return 0; }
  std::uint32_t read(std::size_t, std::span<float> features) const {
    features[0] = features[1] = 0;
    return 0;
  }
  [[nodiscard]] std::vector<float> pixel_values() const { return std::vector<float>(2 * 256); }
  std::uint32_t read_pixels(std::size_t, std::span<std::uint8_t> pixels) const {
    pixels[0] = pixels[1] = 0;
    return 0;
  }
  std::uint32_t read_pixels(std::size_t index, std::size_t, std::span<std::uint8_t> pixels) const {
    return read_pixels(index, pixels);
  }
};

int main() {
  const my_data data;
  localis::data::loader<float, my_data> loader(data, 2, 1);
}
