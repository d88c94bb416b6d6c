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
  std::uint32_t read(std::size_t index, std::size_t, std::span<float> features) const { return read(index, features); }
  [[nodiscard]] std::size_t targets() const { return 1; }
  void read_target(std::size_t, std::span<float> target) const { target[0] = 1; }
  void read_target(std::size_t, std::size_t epoch, std::span<float> target) const { target[0] = epoch > 0 ? 1 : 0; }
};

int main() {
  const my_data data;
  localis::data::loader<float, my_data> loader(data, 2, 1);
}
