#include <cstddef>
#include <cstdint>
#include <vector>

#include "safetensors.hpp"

#include <localis/io/state_dict.hpp>
#include <localis/localis.hpp>

namespace lo = localis;

namespace {

using net = lo::network<lo::image<4, 4, 2>, lo::conv2d<3, 3>, lo::batch_norm, lo::relu, lo::dense<2>>;
using model = lo::model<net>;

std::vector<std::uint64_t> parameters(const model& of) {
  std::vector<std::uint64_t> result;
  of.for_each_parameter([&](const lo::operation&, const auto& p) {
    std::vector<float> values(p.size());
    of.backend().download(p.value, std::span<float>(values));
    const auto own = fuzz::bits(values);
    result.insert(result.end(), own.begin(), own.end());
  });
  return result;
}

}  // namespace

/// A file of weights, see safetensors_of, for a small network.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::file file("weights.safetensors");
  static const fuzz::file copy("copy.safetensors");
  static model loaded{{.seed = 1}};
  static model again{{.seed = 2}};
  constexpr auto names = lo::io::torch_names::features;
  const auto stored = fuzz::safetensors_of({data, size});
  file.holds(stored);
  const auto before = parameters(loaded);
  {
    const fuzz::memory_within bound((1U << 17) + 100 * stored.size());
    const auto load = [&] { lo::io::load_state_dict(loaded, file.path, names); };
    if (fuzz::refused<lo::error>(load)) {
      fuzz::require(parameters(loaded) == before, "a model that a refused file has left alone");
      return 0;
    }
  }
  lo::io::save_state_dict(loaded, copy.path, names);
  lo::io::load_state_dict(again, copy.path, names);
  fuzz::require(parameters(again) == parameters(loaded), "the same weights from what was written");
  return 0;
}
