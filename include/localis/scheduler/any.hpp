#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

#include <localis/scheduler/callable.hpp>
#include <localis/scheduler/scheduler.hpp>

namespace localis::scheduler {

/// A scheduler whose type is chosen at run time, for example by an option of a program: code that trains with it is
/// compiled once for all schedulers.
///
///   scheduler::any chosen(scheduler::fixed{0});
///   if (boundary_moves) chosen = scheduler::any(scheduler::linear{});
///   trainer t{model, chosen, supervision::none{}, {.epochs = 10}};
///
/// It accepts what a trainer accepts: a scheduler, or a function of (epoch) or (epoch, step). It is a value like the
/// one that it holds: a copy has a state of its own. An object that was moved from can only be assigned to or
/// destroyed.
///
/// Cost:   one virtual call for each question, that is, in each training step; one allocation per copy.
/// Errors: as the scheduler that it holds.
class any {
 public:
  template <class Policy>
  requires(!std::same_as<Policy, any>) explicit any(Policy policy)
      : held_(std::make_unique<holder<scheduler_of<Policy>>>(as_scheduler(std::move(policy)))) {}

  any(const any& other) : held_(other.held_ == nullptr ? nullptr : other.held_->clone()) {}
  any(any&&) noexcept = default;
  any& operator=(const any& other) {
    any copy(other);
    held_.swap(copy.held_);
    return *this;
  }
  any& operator=(any&&) noexcept = default;
  ~any() = default;

  void start(const schedule_limits& limits) { held_->start(limits); }
  void observe(const epoch_observation& seen) { held_->observe(seen); }
  [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const { return held_->boundary(epoch, step); }
  [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const {
    return held_->base_boundary(epoch, step);
  }
  [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const { return held_->lowest_boundary(epoch); }
  [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const { return held_->highest_boundary(epoch); }
  [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const {
    return held_->gradient_scale(epoch, step, stage);
  }
  [[nodiscard]] differentiated_part differentiated(std::size_t epoch) const { return held_->differentiated(epoch); }

 private:
  struct base {
    base() = default;
    base(const base&) = default;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    [[nodiscard]] virtual std::unique_ptr<base> clone() const = 0;
    virtual void start(const schedule_limits& limits) = 0;
    virtual void observe(const epoch_observation& seen) = 0;
    [[nodiscard]] virtual std::size_t boundary(std::size_t epoch, std::size_t step) const = 0;
    [[nodiscard]] virtual std::size_t base_boundary(std::size_t epoch, std::size_t step) const = 0;
    [[nodiscard]] virtual std::size_t lowest_boundary(std::size_t epoch) const = 0;
    [[nodiscard]] virtual std::size_t highest_boundary(std::size_t epoch) const = 0;
    [[nodiscard]] virtual double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const = 0;
    [[nodiscard]] virtual differentiated_part differentiated(std::size_t epoch) const = 0;
  };

  /// Forwards to the functions that supply what a scheduler leaves out.
  template <class Policy>
  struct holder final : base {
    explicit holder(Policy given) : policy(std::move(given)) {}

    [[nodiscard]] std::unique_ptr<base> clone() const override { return std::make_unique<holder>(*this); }
    void start(const schedule_limits& limits) override {
      highest = limits.highest;
      scheduler::start(policy, limits);
    }
    void observe(const epoch_observation& seen) override { scheduler::observe(policy, seen); }
    [[nodiscard]] std::size_t boundary(std::size_t epoch, std::size_t step) const override {
      return policy.boundary(epoch, step);
    }
    [[nodiscard]] std::size_t base_boundary(std::size_t epoch, std::size_t step) const override {
      return scheduler::base_boundary(policy, epoch, step);
    }
    [[nodiscard]] std::size_t lowest_boundary(std::size_t epoch) const override {
      return scheduler::lowest_boundary(policy, epoch);
    }
    [[nodiscard]] std::size_t highest_boundary(std::size_t epoch) const override {
      return scheduler::highest_boundary(policy, epoch, highest);
    }
    [[nodiscard]] double gradient_scale(std::size_t epoch, std::size_t step, std::size_t stage) const override {
      return scheduler::gradient_scale(policy, epoch, step, stage);
    }
    [[nodiscard]] differentiated_part differentiated(std::size_t epoch) const override {
      return scheduler::differentiated(policy, epoch);
    }

    Policy policy;
    std::size_t highest = 0;  ///< of this run: the promise of a scheduler that makes none
  };

  std::unique_ptr<base> held_;
};

static_assert(scheduler<any>);

}  // namespace localis::scheduler
