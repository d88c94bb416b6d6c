#include <cstddef>
#include <cstdint>
#include <string>

#include "../../examples/lab/report/compare_reports.hpp"
#include "fuzz.hpp"

/// The report.json of a comparison, as the example programs go on from it and lay it beside others.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::file file("report.json");
  file.holds({data, size});
  {
    const fuzz::memory_within bound((1U << 20) + 1000 * size);
    if (fuzz::refused<localis::data_error>([&] { (void)examples::read_report(file.path); })) return 0;
  }
  const examples::stored_report stored = examples::read_report(file.path);
  for (const examples::run_result& run : stored.runs) {
    fuzz::require(!run.finished() || !run.report.epochs.empty(), "epochs of a finished run");
    for (const localis::epoch_record& e : run.report.epochs) {
      fuzz::require(e.boundary < stored.work_fractions.size(), "boundaries that the network has");
    }
  }
  examples::named_report named;
  const std::string folder = file.path.parent_path().string();
  if (fuzz::refused<localis::data_error>([&] { named = examples::detail::read_named(folder); })) return 0;
  fuzz::require(!examples::comparison_html({named, named}).empty(), "a page");
  return 0;
}
