// compare_reports FOLDER... --out PAGE: the reports of several comparisons side by side on one page. The folders are
// those that boundaries, rules and the programs of the published networks have written their reports to.

#include "compare_reports.hpp"

int main(int argc, char** argv) { return examples::compare_reports(argc, argv); }
