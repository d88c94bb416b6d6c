#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "safetensors.hpp"
#include <nlohmann/json.hpp>

#include <localis/io/checkpoint.hpp>
#include <localis/localis.hpp>
#include <localis/rule/error_feedback.hpp>

namespace lo = localis;

namespace {

using with_state = lo::network<lo::image<2, 2, 1>, lo::dense<3, lo::rule::bcm>, lo::relu, lo::dense<2>>;
using with_errors = lo::network<lo::image<2, 2, 1>, lo::dense<3, lo::rule::error_feedback>, lo::tanh, lo::dense<2>>;

/// Two epochs of three steps.
template <class Net>
struct job {
  lo::model<Net> model{{.seed = 2}};
  lo::trainer<lo::model<Net>, lo::scheduler::dynamic, lo::supervision::plateau> trainer{
      model,
      lo::scheduler::dynamic{.alpha = 100, .warm_up = 0},
      lo::supervision::plateau{},
      {.epochs = 2, .batch = 2, .local_rate = 0.01}};

  void fit() {
    static const std::vector<float> x = [] {
      std::vector<float> result;
      for (int i = 0; i < 24; ++i) result.push_back(static_cast<float>(i * 7 % 11) / 11);
      return result;
    }();
    static const std::vector<std::uint32_t> labels = {0, 1, 0, 1, 1, 0};
    trainer.fit(lo::data::arrays({2, 2, 1}, x, labels, 2));
  }
};

/// All of it but the arrays is what the file's JSON says.
std::string described(const lo::stored_run<float>& run) {
  nlohmann::json json;
  lo::io::detail::visit_run(run, lo::io::detail::to_json{json});
  for (const auto& [name, values] : run.arrays) json["arrays"][name] = fuzz::bits(values);
  return json.dump();
}

/// JSON that is nested deeply is given to the reader as it is: to write it out again would be recursive here.
nlohmann::json parsed(std::string_view text) {
  int depth = 0;
  for (const char letter : text) {
    depth += letter == '[' || letter == '{' ? 1 : 0;
    if (depth > 500) return nlohmann::json::value_t::discarded;
  }
  return nlohmann::json::parse(text, nullptr, false);
}

/// The run's JSON with the checksum of each tensor that it can be told for.
std::string with_checksums(std::string_view run, std::string_view header, fuzz::bytes values) {
  nlohmann::json json = parsed(run);
  const nlohmann::json tensors = parsed(header);
  if (!json.is_object() || !tensors.is_object() || !json.contains("checksums") || !json["checksums"].is_object())
    return std::string(run);
  for (const auto& [name, fields] : tensors.items()) {
    if (!json["checksums"].contains(name) || !fields.is_object() || !fields.contains("data_offsets")) continue;
    const nlohmann::json& offsets = fields["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned())
      continue;
    const auto begin = offsets[0].get<std::size_t>();
    const auto end = offsets[1].get<std::size_t>();
    if (begin <= end && end <= values.size())
      json["checksums"][name] = lo::io::detail::checksum(values.data() + begin, end - begin);
  }
  return json.dump();
}

/// The input as a checkpoint: the JSON of the run, a line feed, the header of the tensors, a line feed, their values.
/// The checksums are made right: else no change would come past them. Where it does not begin with {, a file as it
/// stands.
std::vector<std::uint8_t> checkpoint_of(fuzz::bytes input) {
  const auto first = std::find(input.begin(), input.end(), '\n');
  if (input.empty() || input[0] != '{' || first == input.end()) return {input.begin(), input.end()};
  const auto second = std::find(first + 1, input.end(), '\n');
  const std::string_view run(reinterpret_cast<const char*>(input.data()),
                             static_cast<std::size_t>(first - input.begin()));
  const std::string_view header(reinterpret_cast<const char*>(input.data()) + run.size() + 1,
                                static_cast<std::size_t>(second - first - 1));
  const fuzz::bytes values = second == input.end() ? fuzz::bytes{} : input.subspan(run.size() + header.size() + 2);
  const std::string json = with_checksums(run, header, values);
  const nlohmann::json text = json;
  std::string whole = R"({"__metadata__":{"checksum":")" + lo::io::detail::checksum(json.data(), json.size()) +
                      R"(","localis":)" + text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '}';
  if (header.size() > 2) whole += ',';
  whole += header.substr(std::min<std::size_t>(1, header.size()));
  whole += '\n';
  std::vector<std::uint8_t> result(whole.begin(), whole.end());
  result.insert(result.end(), values.begin(), values.end());
  return fuzz::safetensors_of(result);
}

template <class Net>
void restore(const lo::stored_run<float>& run) {
  static const std::string fresh = described(lo::store(job<Net>().trainer));
  job<Net> one;
  if (fuzz::refused<lo::checkpoint_error>([&] { lo::restore(one.trainer, run); })) {
    fuzz::require(described(lo::store(one.trainer)) == fresh, "a trainer that a refused run has left alone");
    return;
  }
  fuzz::require(described(lo::store(one.trainer)) == described(run), "the run that was restored");
  // Whatever the numbers, training ends, if with an error of ours: numbers may diverge, data not fit.
  (void)fuzz::refused<lo::error>([&] { one.fit(); });
}

}  // namespace

/// A checkpoint, see checkpoint_of, for two small networks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::file file("run.checkpoint");
  static const fuzz::file copy("copy.checkpoint");
  const auto stored = checkpoint_of({data, size});
  file.holds(stored);

  lo::stored_run<float> run;
  {
    const fuzz::memory_within bound((1U << 17) + 100 * stored.size());
    if (fuzz::refused<lo::checkpoint_error>([&] { run = lo::io::read_checkpoint<float>(file.path); })) return 0;
  }
  lo::io::write_checkpoint(run, copy.path);
  const std::string read = described(run);
  fuzz::require(described(lo::io::read_checkpoint<float>(copy.path)) == read, "the same run from what was written");
  restore<with_state>(run);
  restore<with_errors>(run);
  return 0;
}
