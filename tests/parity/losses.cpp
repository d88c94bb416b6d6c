#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "run_in_scalar.hpp"

#include <localis/backend/cpu/backend.hpp>
#include <localis/io/safetensors.hpp>
#include <localis/io/write_safetensors.hpp>
#include <localis/loss/binary_cross_entropy.hpp>
#include <localis/loss/huber.hpp>
#include <localis/loss/mean_squared_error.hpp>
#include <localis/loss/softmax_cross_entropy.hpp>
#include <localis/model/batch_loss.hpp>

// The losses of a batch and their gradients, for losses.py: PROGRAM float|double BATCH RESULTS

namespace lo = localis;

namespace {

template <class Scalar>
void run(const std::filesystem::path& batch, const std::filesystem::path& results) {
  using values = std::vector<Scalar>;
  lo::io::safetensors file(batch);
  const std::vector<std::size_t> shape = file.info("outputs").shape;
  const std::size_t samples = shape.at(0);
  const auto read = [&](const char* name) {
    values array(file.info(name).size());
    file.read(name, array);
    return array;
  };
  const values outputs = read("outputs");
  const values rows = read("rows");
  const values shares = read("shares");
  const values distributions = read("distributions");
  std::vector<std::int64_t> classes(samples);
  file.read("labels", classes);
  const std::vector<std::uint32_t> labels(classes.begin(), classes.end());

  std::vector<values> arrays;
  arrays.reserve(100);  // spans point into it
  std::vector<lo::io::named_tensor> found;
  const auto keep = [&](const std::string& name, std::vector<std::size_t> extents, values array) {
    arrays.push_back(std::move(array));
    found.push_back({name, std::move(extents), std::span<const Scalar>(arrays.back())});
  };
  lo::cpu::backend<Scalar> backend;
  const auto add = [&](const std::string& name, const auto& loss, const values& targets) {
    values gradient(outputs.size());
    std::vector<double> sums(2);
    std::vector<double> scratch(lo::detail::loss_parts(samples));
    lo::detail::compute_losses(
        backend, loss,
        lo::detail::batch_loss<Scalar>{samples, samples, shape.at(1), 0, outputs.data(), labels.data(),
                                       targets.empty() ? nullptr : targets.data(), gradient.data(),
                                       reinterpret_cast<std::byte*>(scratch.data()), sums.data()});
    keep("loss." + name, {}, {static_cast<Scalar>(sums[0] / static_cast<double>(samples))});
    keep("gradient." + name, shape, gradient);
  };
  add("mean_squared_error", lo::loss::mean_squared_error{}, rows);
  add("huber", lo::loss::huber{}, rows);
  add("huber_narrow", lo::loss::huber{.delta = 0.3}, rows);
  add("binary", lo::loss::binary_cross_entropy{}, shares);
  add("cross_entropy", lo::loss::softmax_cross_entropy{}, {});
  add("cross_entropy_rows", lo::loss::softmax_cross_entropy{}, distributions);
  add("smooth", lo::loss::softmax_cross_entropy{.smoothing = 0.1}, {});
  add("smooth_rows", lo::loss::softmax_cross_entropy{.smoothing = 0.1}, distributions);
  lo::io::write_safetensors(results, found);
}

}  // namespace

int main(int count, char** arguments) {
  return parity::run_in_scalar(count, arguments,
                               [](auto scalar, const auto& in, const auto& out) { run<decltype(scalar)>(in, out); });
}
