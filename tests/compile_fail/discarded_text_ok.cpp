#include <localis/core/error.hpp>

int main() { return localis::text("a message that is read").empty() ? 1 : 0; }
