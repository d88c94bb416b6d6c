// With -ffast-math, under which a compiler takes every number for finite.

#include <cstddef>
#include <iostream>
#include <limits>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include <localis/backend/cpu/backend.hpp>
#include <localis/data/crop.hpp>
#include <localis/data/dataset.hpp>
#include <localis/data/synthetic.hpp>
#include <localis/io/csv_log.hpp>
#include <localis/io/json_lines_log.hpp>
#include <localis/layer/batch_norm.hpp>
#include <localis/layer/dense.hpp>
#include <localis/layer/dropout.hpp>
#include <localis/layer/relu.hpp>
#include <localis/learning_rate/warm_up.hpp>
#include <localis/model/evaluate.hpp>
#include <localis/network/program.hpp>
#include <localis/optimizer/adam.hpp>
#include <localis/optimizer/sgd.hpp>
#include <localis/rule/bcm.hpp>
#include <localis/rule/error_feedback.hpp>
#include <localis/rule/policy.hpp>
#include <localis/scheduler/autofreeze.hpp>
#include <localis/scheduler/fixed.hpp>
#include <localis/scheduler/freeze_out.hpp>
#include <localis/supervision/loss_gain.hpp>
#include <localis/supervision/loss_sign.hpp>
#include <localis/supervision/none.hpp>
#include <localis/supervision/plateau.hpp>
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

template <class Call>
void refuses(const char* what, const Call& call) {
  try {
    call();
    check(false, std::string(what) + " of NaN: expected config_error, found none");
  } catch (const lo::config_error&) {
  }
}

/// Values of a range that has two ends.
void check_ranges() {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses_policy = [](const char* what, const auto& policy) { refuses(what, [&] { policy.validate(); }); };
  using warm_up = lo::learning_rate::warm_up<lo::learning_rate::constant>;
  refuses_policy("warm_up.start_factor", warm_up{.start_factor = nan});
  refuses_policy("loss_gain.lowest", lo::supervision::loss_gain{.lowest = nan});
  refuses_policy("loss_gain.smoothing", lo::supervision::loss_gain{.smoothing = nan});
  refuses_policy("loss_sign.decrease", lo::supervision::loss_sign{.decrease = nan});
  refuses_policy("loss_sign.smoothing", lo::supervision::loss_sign{.smoothing = nan});
  refuses_policy("plateau.threshold", lo::supervision::plateau{.threshold = nan});
  refuses_policy("plateau.lowest", lo::supervision::plateau{.lowest = nan});
  refuses_policy("plateau.smoothing", lo::supervision::plateau{.smoothing = nan});
  refuses_policy("adam.beta1", lo::optimizer::adam{.beta1 = nan});
  refuses_policy("adam.beta2", lo::optimizer::adam{.beta2 = nan});
  refuses_policy("sgd.momentum", lo::optimizer::sgd{.momentum = nan});
  refuses_policy("bcm.state_rate", lo::rule::bcm{.state_rate = nan});
  refuses_policy("error_feedback.memory", lo::rule::error_feedback{.memory = nan});
  refuses_policy("running_normalized_signal.momentum", lo::rule::running_normalized_signal{.momentum = nan});
  refuses_policy("random_cut_range.least_area", lo::data::random_cut_range{.least_area = nan});
  refuses_policy("random_cut_range.most_area", lo::data::random_cut_range{.most_area = nan});
  refuses_policy("random_cut_range.least_ratio", lo::data::random_cut_range{.least_ratio = nan});
  refuses("freeze_out.t0", [&] { lo::scheduler::freeze_out{.t0 = nan}.start({}); });
  refuses("autofreeze.percentile", [&] { lo::scheduler::autofreeze{.percentile = nan}.start({}); });
  refuses("split", [&] {
    const auto data = lo::data::synthetic_images(4, 2, 2, 1, 2, 1);
    (void)lo::data::split(data, lo::data::validation_fraction{nan}, 1);
  });
  lo::model<lo::network<lo::image<8, 8, 1>, lo::dense<4>, lo::batch_norm, lo::dropout, lo::dense<2>>> model;
  model.layer<1>().momentum = nan;
  refuses("batch_norm.momentum", [&] { model.layer<1>().validate(); });
  model.layer<2>().rate = nan;
  refuses("dropout.rate", [&] { model.layer<2>().validate(); });
}

}  // namespace

int main() {
  check_ranges();
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
    check(lo::is_nan(lo::evaluate(model, data).accuracy), "accuracy of weights that are NaN: expected NaN");
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
