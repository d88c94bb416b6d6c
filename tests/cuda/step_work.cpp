// step_work NETWORK cuda|cudnn BATCH [TRACED]
//
// Prints what a step of gradient descent does on a GPU, one piece of work in a line, separated by tabs:
//
//   launch|product|convolution|copy  blocks  MB read  MB written  GFLOP  kernel
//
// The step runs on the stand-in. Blocks, bytes and multiply-adds grow linearly with the batch, so that steps of TRACED
// and 2 TRACED samples, if TRACED is given, tell those of BATCH.

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../backend/cuda_standin/backend.hpp"
#include "../backend/cuda_standin/traced_steps.hpp"
#include <cxxabi.h>

#include <localis/backend/cudnn/system.hpp>
#include <localis/rule/oja.hpp>
#include <localis/zoo/resnet.hpp>

namespace lo = localis;

namespace {

using cuda_backend = lo::cuda::backend<float>;
using cudnn_backend = lo::device::backend<float, lo::cudnn::system<standin::executor>>;

struct row {
  standin::work::kind is;
  std::string name;
  double blocks;
  double read;
  double written;
  double multiply_adds;
};
using rows = std::vector<row>;

std::string readable(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> made(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? made.get() : name;
}

template <class Net, class Backend>
rows trace(std::size_t batch) {
  standin::reset(standin::mode::traced, std::size_t{12} << 30);
  rows found;
  for (const standin::work& work : localis_test::trace_step<Net>(Backend(), batch, 0)) {
    found.push_back({work.is, work.is == standin::work::kind::launch ? readable(work.name) : work.name,
                     static_cast<double>(work.blocks), static_cast<double>(work.bytes.read),
                     static_cast<double>(work.bytes.written), static_cast<double>(work.multiply_adds)});
  }
  return found;
}

rows extrapolate(const rows& once, const rows& twice, double factor) {
  if (once.size() != twice.size()) throw std::runtime_error("a step of more samples is another list of work");
  rows found = once;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (once[i].name != twice[i].name) throw std::runtime_error("a step of more samples is another list of work");
    const auto grow = [&](double row::*field) { found[i].*field += (factor - 1) * (twice[i].*field - once[i].*field); };
    for (double row::*field : {&row::blocks, &row::read, &row::written, &row::multiply_adds}) grow(field);
  }
  return found;
}

void print(const rows& all) {
  std::cout << std::fixed << std::setprecision(4);
  for (const row& each : all) {
    constexpr const char* kinds[] = {"launch", "product", "convolution", "copy"};
    std::cout << kinds[static_cast<std::size_t>(each.is)] << '\t' << each.blocks << '\t' << each.read / 1e6 << '\t'
              << each.written / 1e6 << '\t' << 2 * each.multiply_adds / 1e9 << '\t' << each.name << '\n';
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    using resnet18 = lo::zoo::resnet18_32<10, lo::rule::oja>;
    using resnet50 = lo::zoo::resnet50<1000, lo::rule::oja>;
    const std::map<std::string, std::function<rows(std::size_t)>> steps = {
        {"resnet18 cuda", trace<resnet18, cuda_backend>},
        {"resnet18 cudnn", trace<resnet18, cudnn_backend>},
        {"resnet50 cudnn", trace<resnet50, cudnn_backend>},
    };
    if (count < 4 || count > 5) throw std::runtime_error("expected NETWORK cuda|cudnn BATCH [TRACED]");
    const auto step = steps.find(std::string(arguments[1]) + ' ' + arguments[2]);
    if (step == steps.end()) throw std::runtime_error("expected resnet18 cuda, resnet18 cudnn or resnet50 cudnn");
    const std::size_t batch = std::stoul(arguments[3]);
    if (count == 4) {
      print(step->second(batch));
    } else {
      const std::size_t traced = std::stoul(arguments[4]);
      const double factor = static_cast<double>(batch) / static_cast<double>(traced);
      print(extrapolate(step->second(traced), step->second(2 * traced), factor));
    }
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "step_work: " << failure.what() << '\n';
    return 1;
  }
}
