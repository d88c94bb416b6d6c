#include <localis/scheduler/annealed.hpp>
#include <localis/scheduler/linear.hpp>

namespace lo = localis;

lo::scheduler::annealed<lo::scheduler::linear> scheduler;
