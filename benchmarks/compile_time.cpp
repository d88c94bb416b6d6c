// Compile time and compiler memory: of the headers, and of programs that train.
//
//   seconds   processor time of the compiler, user and system
//   MB        the largest memory of one of its processes
//   at most   the promised limit, for g++ 12 at -O3
//
// The compiler and its flags are those of the examples. The exit status is 1 if the compiler takes more than twice the
// promised memory; seconds depend on the machine and are only printed.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lab/report/format.hpp"
#include "lab/report/machine.hpp"
#include "lab/report/run_program.hpp"
#include "table_file.hpp"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <localis/core/error.hpp>

namespace lo = localis;

namespace {

const std::filesystem::path include_folder = LOCALIS_INCLUDE;
const std::vector<std::string> compiler{LOCALIS_COMPILER};

// ---- the compiled sources -------------------------------------------------------------------------------------------

struct source {
  std::string name;
  std::string text;
  bool program = false;  ///< a header is only read
};

/// Collects the names in <> of all headers that a header includes, directly or indirectly.
void collect_includes(const std::string& header, std::set<std::string>& found) {
  if (!found.insert(header).second || header.rfind("localis/", 0) != 0) return;
  std::ifstream file(include_folder / header);
  if (!file) throw lo::data_error(lo::text("cannot read ", (include_folder / header).string()));
  constexpr std::string_view start = "#include <";
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(start, 0) != 0) continue;
    collect_includes(line.substr(start.size(), line.find('>') - start.size()), found);
  }
}

/// The headers of other libraries that a header includes: those of the standard, whose names have no dot.
source needs_of(const std::string& header) {
  std::set<std::string> all;
  collect_includes(header, all);
  source result{"needs of " + header, {}};
  for (const std::string& name : all) {
    if (name.find('.') == std::string::npos) result.text += "#include <" + name + ">\n";
  }
  return result;
}

source header(const std::string& name) { return {name, "#include <" + name + ">\n"}; }

std::vector<source> headers_in(const std::string& folder) {
  std::vector<source> result;
  for (const auto& entry : std::filesystem::directory_iterator(include_folder / folder)) {
    result.push_back(header(folder + '/' + entry.path().filename().string()));
  }
  return result;
}

/// A program that trains a published network by local rules and gradient.
source trainer(const std::string& model_header, const std::string& network) {
  const std::string head = "#include <localis/localis.hpp>\n#include <localis/zoo/" + model_header +
                           ">\n\nnamespace lo = localis;\n"
                           "using local_oja = lo::rule::local<lo::rule::oja, lo::rule::relative_step>;\nusing net = " +
                           network + ";\n";
  return {network, head + R"(
#include <cstddef>
#include <iostream>

int main(int count, char**) {
  constexpr lo::shape picture = net::input;
  const auto samples = 64 * static_cast<std::size_t>(count);
  const auto train = lo::data::synthetic_images(samples, picture.height, picture.width, picture.channels, 10, 1);
  const auto test = lo::data::synthetic_images(64, picture.height, picture.width, picture.channels, 10, 1, 0.2, samples);
  lo::model<net> model{{.seed = 1}};
  lo::trainer trainer{model, lo::scheduler::linear{}, lo::supervision::loss_gain{}, {.epochs = 5, .local_rate = 1e-4},
                      lo::optimizer::sgd{.momentum = 0.9}, lo::learning_rate::cosine{.rate = 0.05}};
  trainer.on_epoch([](const lo::epoch_record& e) {
    std::cout << "epoch " << e.epoch << " boundary " << e.boundary << " loss " << e.loss << '\n';
  });
  trainer.fit(train, test);
  std::cout << "accuracy " << lo::evaluate(model, test).accuracy << '\n' << model.summary();
}
)",
          true};
}

// ---- the cost -------------------------------------------------------------------------------------------------------

struct cost {
  double seconds = 0;
  double megabytes = 0;
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// Compiles once. The messages of the compiler go to stderr.
cost compile(const source& code) {
  // The compiler reads standard input from a file without a name, which disappears however this program ends.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> input(std::tmpfile(), std::fclose);
  if (!input || std::fputs(code.text.c_str(), input.get()) < 0 || std::fflush(input.get()) != 0) fail("temporary file");
  std::rewind(input.get());

  std::vector<std::string> command = compiler;
  const std::vector<std::string> as_program{"-c", "-o", "/dev/null"};
  const std::vector<std::string> as_header{"-fsyntax-only"};
  for (const std::string& part : code.program ? as_program : as_header) command.push_back(part);
  for (const char* part : {"-x", "c++", "-"}) command.emplace_back(part);
  std::vector<char*> arguments;
  for (std::string& part : command) arguments.push_back(part.data());
  arguments.push_back(nullptr);

  const pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    dup2(fileno(input.get()), STDIN_FILENO);
    execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(127);
  }
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child) fail("wait4");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(lo::text("cannot compile ", code.name, ": see the compiler's own message"));
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_maxrss) * 1024 / 1e6};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

cost measure(const source& code, std::size_t repeat) {
  std::vector<double> seconds;
  std::vector<double> megabytes;
  for (std::size_t i = 0; i < repeat; ++i) {
    const cost once = compile(code);
    seconds.push_back(once.seconds);
    megabytes.push_back(once.megabytes);
  }
  return {median(seconds), median(megabytes)};
}

// ---- the table ------------------------------------------------------------------------------------------------------

constexpr double no_promise = std::numeric_limits<double>::infinity();

struct row {
  std::string name;
  std::vector<source> sources;  ///< the costliest counts
  cost promised;
  bool above_floor = false;  ///< promised seconds come on top of the floor's
};

std::vector<row> all_rows() {
  const std::string umbrella = "localis/localis.hpp";
  // The floor goes first, and --only that names the umbrella header names the floor too.
  return {{umbrella + ", floor", {needs_of(umbrella)}, {no_promise, 350}},
          {umbrella, {header(umbrella)}, {1.5, 430}, true},
          {"localis/core/", headers_in("localis/core"), {1, 150}},
          {"localis/rule/", headers_in("localis/rule"), {1, 150}},
          {"localis/scheduler/", headers_in("localis/scheduler"), {1, 150}},
          {"trainer of lenet", {trainer("lenet.hpp", "lo::zoo::lenet<10, local_oja>")}, {15, 800}},
          {"trainer of resnet50", {trainer("resnet.hpp", "lo::zoo::resnet50<1000, local_oja>")}, {40, 1200}}};
}

std::vector<row> chosen_rows(const std::string& only) {
  std::vector<row> rows = all_rows();
  std::vector<std::string> names;
  for (const row& r : rows) names.push_back(r.name);
  rows.erase(
      std::remove_if(rows.begin(), rows.end(), [&](const row& r) { return r.name.find(only) == std::string::npos; }),
      rows.end());
  if (rows.empty()) {
    throw lo::config_error(
        lo::text("--only: expected a part of one of: ", examples::joined(names, "; "), "; found: ", only));
  }
  return rows;
}

int print_table(const std::vector<row>& rows, std::size_t repeat, const std::string& json) {
  const examples::machine here = examples::this_machine();
  const std::string told = lo::text(here.processor, "; ", here.compiler, "; ", examples::joined(compiler, " "),
                                    "; repeats ", repeat, "; commit ", here.commit);
  std::cerr << told << std::endl;

  std::vector<std::vector<std::string>> table{{"compiled", "seconds", "at most", "MB", "at most", "kept"}};
  std::vector<std::string> too_large;
  double floor = 0;
  for (const row& r : rows) {
    cost largest;
    std::string slowest;
    for (const source& code : r.sources) {
      const cost found = measure(code, repeat);
      if (found.seconds > largest.seconds) slowest = code.name;
      largest = {std::max(largest.seconds, found.seconds), std::max(largest.megabytes, found.megabytes)};
    }
    if (&r == &rows.front()) floor = largest.seconds;
    const double seconds = r.promised.seconds + (r.above_floor ? floor : 0);
    const bool kept = largest.seconds <= seconds && largest.megabytes <= r.promised.megabytes;
    const std::string name =
        r.sources.size() == 1 ? r.name : lo::text(slowest, ", the slowest of ", r.sources.size(), " there");
    table.push_back({name, examples::fixed(largest.seconds, 2), examples::fixed(seconds, 2),
                     examples::fixed(largest.megabytes, 0), examples::fixed(r.promised.megabytes, 0),
                     kept ? "yes" : "no"});
    if (largest.megabytes > 2 * r.promised.megabytes) too_large.push_back(name);
  }
  std::cout << examples::text_table(table) << std::flush;
  benchmarks::write_table(json, told, table);
  if (!too_large.empty()) {
    throw std::runtime_error("more than twice the memory promised: " + examples::joined(too_large, "; "));
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  return examples::run_program("compile_time", "Measures compile time and compiler memory.", [&](CLI::App& app) {
    std::size_t repeat = 1;
    std::string only;
    app.add_option("--repeat", repeat, "Compile this often and take medians")->check(CLI::Range(1, 100));
    app.add_option("--only", only, "Rows whose name has this text in it");
    std::string json;
    app.add_option("--json", json, "Writes the table to this file, too");
    app.parse(count, arguments);
    return print_table(chosen_rows(only), repeat, json);
  });
}
