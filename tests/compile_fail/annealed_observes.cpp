// expect: localis: scheduler::annealed must know when the boundary will move; its base learns that from epochs that it
// observes. Expected: a scheduler without observe()
#include <localis/scheduler/annealed.hpp>
#include <localis/scheduler/dynamic.hpp>

namespace lo = localis;

lo::scheduler::annealed<lo::scheduler::dynamic> scheduler;
