// With -ffast-math, under which a compiler takes every number for finite.

#include <cstddef>
#include <iostream>
#include <limits>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include <localis/cpu/backend.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/relu.hpp>
#include <localis/network/program.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/supervision/none.hpp>
#include <localis/train/trainer.hpp>

namespace lo = localis;
using net = lo::network<lo::image<8, 8, 1>, lo::dense<16>, lo::relu, lo::dense<2>>;

namespace {

int failures = 0;
void check(bool good, const std::string& what) {
  if (good) return;
  std::cerr << what << '\n';
  ++failures;
}

}  // namespace

int main() {
  const auto data = lo::data::synthetic_images(64, 8, 8, 1, 2, 1, 0.5);
  const auto fit = [&](double rate) {
    lo::model<net> model{{.seed = 1}};
    lo::trainer trainer{model, lo::scheduler::fixed{0},          lo::supervision::none{}, {.epochs = 3, .batch = 16},
                        {},    lo::learning_rate::constant{rate}};
    trainer.fit(data);
    return trainer.report();
  };
  try {
    (void)fit(1e30);
    check(false, "a run at rate 1e30: expected divergence_error, found none");
  } catch (const lo::divergence_error&) {
  }
  try {
    (void)fit(std::numeric_limits<double>::quiet_NaN());
    check(false, "a rate of NaN: expected config_error, found none");
  } catch (const lo::config_error&) {
  }
  try {
    lo::model<net> model{{.seed = 1}};
    model.for_each_parameter([](const lo::operation&, const auto& p) {
      for (std::size_t i = 0; i < p.size(); ++i) p.value[i] = std::numeric_limits<float>::quiet_NaN();
    });
    lo::trainer trainer{model, lo::scheduler::fixed{0}, lo::supervision::none{}, {.epochs = 1, .batch = 16}};
    check(lo::is_nan(trainer.evaluate(data).accuracy), "accuracy of weights that are NaN: expected NaN");
    trainer.fit(data);
    check(false, "weights that are NaN: expected divergence_error, found none");
  } catch (const lo::divergence_error&) {
  }
  lo::epoch_record record = fit(0.01).epochs.back();  // without validation, of which it says NaN
  record.update_norm = std::numeric_limits<double>::infinity();
  const std::string line = lo::io::json_line(record);
  check(nlohmann::json::accept(line), "expected JSON, found " + line);
  const std::string row = lo::io::csv_row(record);
  check(row.find("nan") == std::string::npos, "expected no nan in CSV, found " + row);
  return failures;
}
