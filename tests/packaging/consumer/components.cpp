// A second translation unit: the umbrella links twice, and each component's header with its library.
#include <localis/localis.hpp>

#ifdef WITH_COMPONENTS
#include <localis/data/folder.hpp>
#include <localis/data/gzip.hpp>
#include <localis/io/checkpoint.hpp>
#include <localis/io/safetensors.hpp>
#endif

double components();

double components() {
  double refused = 0;
#ifdef WITH_COMPONENTS
  const auto refuses = [&](auto&& call) {
    try {
      call();
    } catch (const localis::error&) {
      ++refused;
    }
  };
  refuses([] { (void)localis::data::read_idx_gzip("nowhere/images.gz", "nowhere/labels.gz"); });
  refuses([] { (void)localis::data::folder("nowhere"); });
  refuses([] { (void)localis::io::safetensors("nowhere.safetensors"); });
  refuses([] { (void)localis::io::read_checkpoint<float>("nowhere.checkpoint"); });
#endif
  return refused;
}
