// expect: nodiscard
#include <localis/core/error.hpp>

int main() { localis::text("a message that nobody reads"); }
