#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "comparison.hpp"
#include "report/format.hpp"
#include <sys/ioctl.h>
#include <unistd.h>

#include <localis/core/finite.hpp>
#include <localis/train/trainer.hpp>

namespace examples {

/// Shows the progress of the runs, as a bar in a terminal and otherwise as a line for each epoch.
class progress {
 public:
  /// @param pictures  number of pictures on which all runs together will train
  explicit progress(std::size_t pictures)
      : terminal_(isatty(STDOUT_FILENO) != 0 && std::string_view(environment("TERM")) != "dumb"),
        left_(pictures),
        started_(clock::now()) {}

  /// Begins a run that will train on the given number of pictures; `expected` is the number that was planned for it.
  void begin(const std::string& name, std::uint64_t seed, std::size_t pictures, std::size_t expected) {
    run_ = name + ", seed " + std::to_string(seed);
    left_ += pictures - expected;
    run_left_ = pictures;
    loss_ = no_number;
    last_step_ = {};
    run_started_ = clock::now();
  }

  void step(const localis::step_event& event) {
    if (event.step == 0) epoch_started_ = last_step_;
    const std::size_t fresh = event.samples - last_step_.pictures;
    last_step_ = {event.seconds, event.samples};
    done_ += fresh;
    left_ -= std::min(left_, fresh);
    run_left_ -= std::min(run_left_, fresh);
    constexpr double memory = 0.95;
    loss_ = localis::is_finite(loss_) ? memory * loss_ + (1 - memory) * event.loss : event.loss;
    if (terminal_ && clock::now() - drawn_ >= std::chrono::milliseconds(100)) draw(event);
  }

  void epoch(const localis::epoch_record& record, std::size_t epochs) {
    if (terminal_) return;
    std::cout << run_ << ": epoch " << record.epoch + 1 << '/' << epochs << ", loss " << fixed(record.loss, 4);
    if (localis::is_finite(record.validation_accuracy)) {
      std::cout << ", validation " << percent(record.validation_accuracy) << " %";
    }
    std::cout << ", boundary " << record.boundary << ", "
              << fixed(static_cast<double>(record.samples) / record.seconds, 0) << " pictures/s, "
              << fixed(record.seconds, 1) << " s" << std::endl;
  }

  /// Skips a run of the given number of pictures.
  void skip(std::size_t pictures) { left_ -= std::min(left_, pictures); }

  void end(const run_result& run) {
    skip(run_left_);
    if (run.diverged()) say(run_ + ": diverged, " + run.report.message);
    if (run.finished()) {
      say(run_ + ": test " + percent(run.test_accuracy) + " %, validation " + percent(run.validation_accuracy()) +
          " %, " + fixed(run.report.seconds, 1) + " s, f " + fixed(run.report.prefix_fraction, 2));
    }
  }

  /// Prints a separate line above the bar.
  void say(const std::string& line) {
    if (terminal_) std::cout << "\r\033[K";
    std::cout << line << std::endl;
  }

 private:
  using clock = std::chrono::steady_clock;
  struct moment {
    double seconds = 0;  ///< training time in this run
    std::size_t pictures = 0;
  };

  static const char* environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  }

  [[nodiscard]] static std::size_t columns() {
    winsize size{};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  }

  /// Draws the bar. If the terminal is too narrow, the remaining time of all runs is left out first, then the bar.
  void draw(const localis::step_event& event) {
    drawn_ = clock::now();
    const double seconds = event.seconds - epoch_started_.seconds;
    const double rate = static_cast<double>(event.samples - epoch_started_.pictures) / seconds;
    const double run_time = time_left(run_started_, last_step_.pictures, run_left_);
    const double all_time = time_left(started_, done_, left_);
    const std::string head =
        run_ + " epoch " + std::to_string(event.epoch + 1) + '/' + std::to_string(event.epochs) + ' ';
    std::string tail = "step " + std::to_string(event.step + 1) + '/' + std::to_string(event.steps) + " loss " +
                       fixed(loss_, 3) + " T " + std::to_string(event.boundary) + ' ' + fixed(rate, 0) +
                       " img/s left " + clock_time(run_time);
    const std::string rest = ", of all runs " + clock_time(all_time);
    const std::size_t room = columns() - 1;
    const std::string bar = drawn_bar(static_cast<double>(event.step + 1) / static_cast<double>(event.steps));
    if (head.size() + tail.size() + bar.size() + rest.size() <= room) tail += rest;
    std::string line = head + (head.size() + tail.size() + bar.size() <= room ? bar : "") + tail;
    if (line.size() > room) line.resize(room);
    std::cout << '\r' << line << "\033[K" << std::flush;
  }

  static std::string drawn_bar(double fraction) {
    constexpr std::size_t width = 16;
    const auto full = static_cast<std::size_t>(fraction * width);
    return '[' + std::string(full, '#') + std::string(width - full, '.') + "] ";
  }

  static double time_left(clock::time_point start, std::size_t done, std::size_t left) {
    const double seconds = std::chrono::duration<double>(clock::now() - start).count();
    return seconds / static_cast<double>(done) * static_cast<double>(left);
  }

  bool terminal_;
  std::size_t left_;  ///< remaining pictures of all runs
  std::size_t done_ = 0;
  std::size_t run_left_ = 0;
  std::string run_;
  double loss_ = no_number;  ///< running mean, because the loss of single steps fluctuates
  moment last_step_;         ///< the last step
  moment epoch_started_;
  clock::time_point started_;
  clock::time_point run_started_;
  clock::time_point drawn_;
};

}  // namespace examples
