// Exchanges weights with PyTorch in a safetensors file. The program trains a network for an epoch, writes it as the
// state_dict of the PyTorch network below, and reads it into a network with other weights, which then gives the same
// outputs.
//
//   torch_weights [FILE]    FILE is kept; without it, a temporary file is used
//
// This is how PyTorch reads FILE, and writes such a file. Its tensors have channels first and ours have them last,
// which the reader and the writer take into account:
//
//   class Net(torch.nn.Module):
//       def __init__(self):
//           super().__init__()
//           self.features = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
//           self.classifier = nn.Sequential(nn.Linear(8 * 6 * 6, 32), nn.ReLU(), nn.Linear(32, 10))
//       def forward(self, x):
//           return self.classifier(torch.flatten(self.features(x), 1))
//   net.load_state_dict(safetensors.torch.load_file(FILE))
//   safetensors.torch.save_file(net.state_dict(), FILE)

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "digits.hpp"
#include "lab/report/exit_status.hpp"
#include <unistd.h>

#include <localis/io/safetensors.hpp>
#include <localis/io/state_dict.hpp>
#include <localis/localis.hpp>

namespace lo = localis;
namespace fs = std::filesystem;

// clang-format off
using net = lo::network<lo::image<28, 28, 1>,
    lo::conv2d<8, 5, lo::stride<2>>, lo::batch_norm, lo::relu, lo::max_pool2d<2>,
    lo::dense<32>, lo::relu,
    lo::dense<10>>;
// clang-format on

/// The outputs of a network for the first pictures.
std::vector<float> outputs(lo::model<net>& model, const lo::data::images& pictures) {
  constexpr std::size_t count = 100;
  std::vector<float> features(count * net::input.size());
  for (std::size_t n = 0; n < count; ++n) {
    pictures.read(n, std::span(features).subspan(n * net::input.size(), net::input.size()));
  }
  return model.predict(features, count);
}

/// Names and shapes of a file's tensors, without their values.
void list(const fs::path& file) {
  const lo::io::safetensors stored(file);
  for (const std::string& name : stored.names()) {
    std::cout << "  " << name << ':';
    for (const std::size_t extent : stored.info(name).shape) std::cout << ' ' << extent;
    std::cout << '\n';
  }
}

/// The largest difference between the outputs of two networks: the trained one, and the one that was read.
double largest_difference(const fs::path& file) {
  const lo::data::images digits = examples::digits();
  lo::model<net> trained{{.seed = 1}};
  lo::trainer trainer{trained, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 1, .batch = 32}};
  trainer.fit(digits);
  lo::io::save_state_dict(trained, file, lo::io::torch_names::features);
  list(file);

  lo::model<net> read{{.seed = 2}};  // other weights, until they are read
  lo::io::load_state_dict(read, file, lo::io::torch_names::features);
  const std::vector<float> expected = outputs(trained, digits);
  const std::vector<float> found = outputs(read, digits);
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(expected[i] - found[i])));
  }
  return largest;
}

int main(int argc, char** argv) {
  const bool kept = argc > 1;
  if (argc > 2 || (kept && argv[1][0] == '-')) {
    std::cerr << "usage: torch_weights [FILE]" << std::endl;
    return 2;
  }
  const fs::path file =
      kept ? fs::path(argv[1]) : fs::temp_directory_path() / lo::text("torch_weights-", getpid(), ".safetensors");
  int status = 1;
  try {
    const double difference = largest_difference(file);
    std::cout << "largest difference of 1,000 outputs: " << difference << '\n';
    status = difference == 0 ? 0 : 1;
  } catch (const std::exception& failure) {
    std::cerr << "torch_weights: " << failure.what() << std::endl;
  }
  std::error_code ignored;
  if (!kept) fs::remove(file, ignored);
  return examples::exit_status("torch_weights", status);
}
