#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <localis/scheduler/scheduler.hpp>
#include <localis/supervision/loss_gain.hpp>

namespace examples {

/// A scheduler whose type only shows when the program runs, so that what trains by it is compiled once. Copies share
/// it: one for each run.
class any_scheduler {
 public:
  template <class Scheduler>
  explicit any_scheduler(Scheduler policy) : held_(std::make_shared<holder<Scheduler>>(std::move(policy))) {}

  void start(const localis::schedule_limits& limits) { held_->start(limits); }
  void observe(const localis::epoch_observation& seen) { held_->observe(seen); }
  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const { return held_->boundary(epoch, step); }
  [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const {
    return held_->base_boundary(epoch, step);
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return held_->lowest_boundary(epoch); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return held_->highest_boundary(epoch); }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    return held_->gradient_scale(epoch, step, stage);
  }

 private:
  struct base {
    base() = default;
    base(const base&) = delete;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    virtual void start(const localis::schedule_limits& limits) = 0;
    virtual void observe(const localis::epoch_observation& seen) = 0;
    [[nodiscard]] virtual std::size_t boundary(std::size_t epoch, std::size_t step) const = 0;
    [[nodiscard]] virtual std::size_t base_boundary(std::size_t epoch, std::size_t step) const = 0;
    [[nodiscard]] virtual std::size_t lowest_boundary(std::size_t epoch) const = 0;
    [[nodiscard]] virtual std::size_t highest_boundary(std::size_t epoch) const = 0;
    [[nodiscard]] virtual double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const = 0;
  };

  template <class Scheduler>
  struct holder final : base {
    explicit holder(Scheduler given) : policy(std::move(given)) {}
    void start(const localis::schedule_limits& limits) override {
      highest = limits.highest;
      localis::scheduler::start(policy, limits);
    }
    void observe(const localis::epoch_observation& seen) override { localis::scheduler::observe(policy, seen); }
    [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const override {
      return policy.boundary(epoch, step);
    }
    [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const override {
      return localis::scheduler::base_boundary(policy, epoch, step);
    }
    [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const override {
      return localis::scheduler::lowest_boundary(policy, epoch);
    }
    [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const override {
      return localis::scheduler::highest_boundary(policy, epoch, highest);
    }
    [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const override {
      return localis::scheduler::gradient_scale(policy, epoch, step, stage);
    }

    Scheduler policy;
    std::size_t highest = 0;
  };

  std::shared_ptr<base> held_;
};

/// loss_gain, or none: one type for both.
struct gain_or_none {
  using state = localis::supervision::loss_gain::state;
  localis::supervision::loss_gain gain_of_loss{};
  bool used = false;

  void validate() const { gain_of_loss.validate(); }
  constexpr void observe(state& seen, double loss) const { gain_of_loss.observe(seen, loss); }
  [[nodiscard]] constexpr double gain(const state& seen) const { return used ? gain_of_loss.gain(seen) : 1; }
};

}  // namespace examples
