#pragma once

#include <string>

#include "settings.hpp"
#include "typed_settings.hpp"

#include <localis/core/error.hpp>

/// The one table of the options. The command line, configuration files, --help, run.json and the settings in a report
/// come from it.
namespace examples {

/// What --help says of an option, and whether run.json has it.
struct option_text {
  const char* group;
  const char* unit;  ///< "" for a flag
  std::string meaning;
  bool of_run = true;  ///< it says what is run, not where
};

inline constexpr const char* runs_group = "What is done";

/// Visits the options that say which runs are done, and for how long.
template <class Visit>
void visit_runs(typed_settings& t, const Visit& visit) {
  settings& s = t.s;
  const bool rules = s.comparison.of_rules;
  const bool models = s.comparison.of_models;
  const char* group = runs_group;
  visit("quick", s.quick,
        {group, "",
         localis::text("3,000 training pictures, ", quick_epochs(s.comparison),
                       " epochs, 2,000 test pictures: ", rules ? "about a minute" : "under a minute", " in all")});
  visit("only", t.only,
        {group, "RUNS",
         std::string("these alone, with commas between them, see below; ") +
             (rules ? "all of them" : "all that neither --frontier nor --all-frozen adds") + " where it is left out"});
  if (!rules) {
    visit("all-frozen", s.all_frozen,
          {group, "", "the frozen runs with both normalizations of the prefix", false});  // in run.json by "only"
    visit("frontier", s.frontier,
          {group, "",
           "the runs that show whether anything pays: SGD's own curve, by runs of 25 to 150 % of --epochs, and the "
           "runs to hold against it; --seeds 1,2,3,4,5 for intervals",
           false});
  }
  visit("seeds", t.seeds, {group, "SEEDS", "each run is done once from each of them, with commas between them"});
  visit("epochs", s.epochs, {group, "EPOCHS", "passes over the training pictures; more of them with --resume"});
  visit("short-epochs", s.short_epochs,
        {group, "EPOCHS",
         std::string("of sgd-short; left out: the count that comes closest to the training time of ") +
             (rules ? "oja" : "localized-dynamic")});
  visit("batch", s.batch, {group, "PICTURES", "pictures per step"});
  visit("threads", s.threads, {group, "THREADS", "processor threads of a rank; 0: all, or its share of them"});
  visit("convolution", t.convolution,
        {group, "fast|small-error|direct",
         "how 3 x 3 convolutions are computed: by minimal filtering, or by sums of products"});
  visit("precision", t.precision,
        {group, "float32|bfloat16", "of the operands of all other products; bfloat16 needs AVX512_BF16"});
  visit("diagnose", s.diagnose,
        {group, "",
         "measures after each epoch, on one batch of training pictures, the cosine between each stage's local update "
         "and its gradient step, and its dead units; costs two more forward passes and a backward pass in each epoch, "
         "and memory for all boundaries"});
  if (models) visit("zero-gamma", s.zero_gamma, {group, "", "residual blocks begin as identities"});
}

/// Visits the options that say which pictures are learned, and where results go.
template <class Visit>
void visit_files(typed_settings& t, const Visit& visit) {
  settings& s = t.s;
  const bool models = s.comparison.of_models;
  const char* group = "Pictures and files";
  visit("data", t.data,
        {group, models ? "KIND:FOLDER" : "FOLDER",
         models ? "cifar10 or cifar100: the official binary files; folder: FOLDER/train/CLASS/* and "
                  "FOLDER/val/CLASS/*, JPEG or PNG; fashion: Fashion-MNIST [fashion:" +
                      s.data.string() + "]"
                : "holds the four files of Fashion-MNIST, .gz or not [" + s.data.string() +
                      "; where that is missing, the embedded digits]"});
  visit("digits", s.digits, {group, "", "the embedded digits, even where Fashion-MNIST is there"});
  visit("validation", s.validation,
        {group, "PICTURES",
         "taken from the training pictures to watch the runs (1000 with --quick; a seventh where there are fewer than "
         "four times as many)"});
  visit("pictures", s.pictures, {group, "PICTURES", "to train with, after validation; 0: all"});
  if (models) {
    visit("plain", s.plain, {group, "", "training pictures are not cropped and mirrored at random"});
    visit("cutout", s.cutout, {group, "PIXELS", "side of a square of training pictures that is set to their mean"});
    visit("skip-corrupt", s.skip_corrupt,
          {group, "", "leaves out pictures of a folder that cannot be read, and tells"});
  }
  visit("out", s.out,
        {group, "FOLDER",
         "for epochs.csv, report.json, report.html, table.md and run.json [out, or out-2, ...: a new one]", false});
}

/// Visits the options of checkpoints.
template <class Visit>
void visit_checkpoints(typed_settings& t, const Visit& visit) {
  settings& s = t.s;
  const char* group = "Checkpoints";
  visit("checkpoint", s.checkpoints, {group, "FOLDER", "for checkpoints, each a file [OUT/checkpoints]", false});
  visit("every", s.every,
        {group, "STEPS",
         "a checkpoint after so many of an epoch, and one behind it; they stay when the run is done. 0: only when the "
         "run is interrupted, until it is done"});
  visit("keep", s.keep, {group, "COUNT", "checkpoints of each run that stay, the last ones"});
  visit("resume", s.resume,
        {group, "",
         "goes on with the comparison in --out: its finished runs are not done again, and one that was interrupted "
         "goes on from its last checkpoint that loads. Where --epochs is larger than before, finished runs go on from "
         "the checkpoints that --every kept; their results are those of so many epochs without a break if --final-rate "
         "is the learning rate and --end is given",
         false});
  visit("other-machine", s.other_machine,
        {group, "",
         "with --resume: goes on even where processor, compiler, ranks, threads or version of the library are not "
         "those of "
         "before, by which results may differ in their last digits and times are of different machines",
         false});
}

/// Visits the options of several ranks.
template <class Visit>
void visit_ranks(typed_settings& t, const Visit& visit) {
  localis::rank_options& ranks = t.s.ranks;
  const char* group = "Several ranks (MPI)";
  visit("prefix-every", ranks.prefix_every,
        {group, "STEPS",
         "before the boundary, each rank learns from its part of the batch, and weights are averaged after so many; 1: "
         "exact"});
  visit("suffix-every", ranks.suffix_every, {group, "STEPS", "the same from the boundary on (local SGD)"});
  visit("suffix-from", ranks.suffix_from_epoch, {group, "EPOCH", "from 0, at which --suffix-every begins to hold"});
  visit("batch-statistics", t.batch_statistics,
        {group, "all|own", "batch normalization by the samples of all ranks or, another step, of the rank itself"});
}

/// Visits the options of step sizes.
template <class Visit>
void visit_rates(typed_settings& t, const Visit& visit) {
  settings& s = t.s;
  const bool rules = s.comparison.of_rules;
  const char* group = "Step sizes";
  visit("learning-rate", s.learning_rate.base.rate,
        {group, "RATE", "of the gradient steps, which falls to --final-rate along a cosine; dimensionless"});
  if (!rules) {
    visit("rates", t.rates, {group, "RUN=RATE,...", "learning rates of single runs, in place of --learning-rate"});
  }
  visit("final-rate", s.learning_rate.base.last,
        {group, "RATE", "of the gradient steps at the end; that of --learning-rate keeps it the same throughout"});
  visit("rate-warm-up", s.learning_rate.epochs,
        {group, "EPOCHS", "in which the learning rate first rises from a tenth of itself; fractions allowed"});
  visit("momentum", s.optimizer.momentum, {group, "FRACTION", "of the last gradient step kept, in [0, 1)"});
  visit("weight-decay", s.optimizer.weight_decay, {group, "RATE", "added to the gradient per weight; dimensionless"});
  if (rules) {
    visit("local-rate", t.local_rates,
          {group, "[RULE=]FRACTION,...",
           "of the weights' norm that one local update moves (relative step), for all rules that are not supervised, "
           "and by rule; of a supervised rule, its first rate"});
    visit("supervised-rate", s.supervised_rate,
          {group, "FRACTION",
           "of the learning rate, and falling with it: the local rate of supervised rules (plain steps)"});
  } else {
    visit("local-rate", s.local_rate,
          {group, "FRACTION", "of the weights' norm that one local update moves (relative step); dimensionless"});
  }
  visit("prefix-normalization", t.normalization,
        {group, "running|batch",
         "statistics that batch normalization uses before the boundary; the runs called (batch) take batch"});
}

/// Visits the options of the boundary.
template <class Visit>
void visit_boundary(settings& s, const Visit& visit) {
  const char* group =
      s.comparison.of_rules ? "Boundary" : "Static boundary (localized-static, frozen-static, interleaved)";
  visit("begin", s.linear.begin, {group, "EPOCH", "from 0, at which the boundary begins to move"});
  visit("end", s.linear.end, {group, "EPOCH", "from 0, at which it reaches --last [the last one]"});
  visit("last", s.linear.last, {group, "STAGE", "boundary at --end [the highest that the network allows]"});
  if (s.comparison.of_rules) return;
  visit("average-decay", s.average_decay,
        {group, "FRACTION",
         "of the averaged runs: of the average of weights kept per step, in (0, 1); a stage takes it over when the "
         "boundary passes it"});
  visit("cache", s.cache,
        {group, "MB", "of features that frozen-cached keeps of the frozen stages, at most; 10^6 bytes"});
  visit("interleave", s.interleave, {group, "STEPS", "interleaved: one step of so many trains all stages by gradient"});
  visit("prefix-rate", s.prefix_rate,
        {group, "FACTOR", "interleaved: times the learning rate before the boundary in such steps"});

  const char* moving = "Dynamic boundary (localized-dynamic, frozen-replay)";
  visit(
      "alpha", s.dynamic.alpha,
      {moving, "FACTOR", "the boundary moves when updates fall to this fraction of their recent mean; dimensionless"});
  visit("window", s.dynamic.window, {moving, "EPOCHS", "that the recent mean looks back"});
  visit("patience", s.dynamic.patience, {moving, "EPOCHS", "the boundary rests more than so many after a move"});
  visit("warm-up", s.dynamic.warm_up, {moving, "EPOCHS", "at the start after which it never moves"});
  visit("shift", s.dynamic.shift, {moving, "STAGES", "per move"});

  const char* weak = "Gain of the local steps (localized-dynamic): (mean loss / loss) ^ exponent";
  visit("gain-exponent", s.gain.exponent, {weak, "NUMBER", "above 0; dimensionless"});
  visit("gain-lowest", s.gain.lowest, {weak, "FACTOR", "smallest gain, in [0, 1]"});
  visit("gain-highest", s.gain.highest, {weak, "FACTOR", "largest gain, at least 1"});
  visit("gain-smoothing", s.gain.smoothing,
        {weak, "FRACTION", "of the mean loss kept per step, in [0, 1); it remembers 1 / (1 - fraction) steps"});
}

/// Calls visit(name, value, text) for each option that the program has, in the order of run.json.
template <class Visit>
void visit_options(typed_settings& t, const Visit& visit) {
  visit_runs(t, visit);
  visit_files(t, visit);
  visit_checkpoints(t, visit);
  visit_ranks(t, visit);
  visit_rates(t, visit);
  visit_boundary(t.s, visit);
}

}  // namespace examples
