// A second translation unit: the umbrella links twice, and each component's header with its library.
#include <localis/localis.hpp>

#ifdef WITH_folder
#include <localis/data/folder.hpp>
#endif
#ifdef WITH_gzip
#include <localis/data/gzip.hpp>
#endif
#ifdef WITH_checkpoint
#include <localis/io/checkpoint.hpp>
#endif
#ifdef WITH_safetensors
#include <localis/io/safetensors.hpp>
#endif
#ifdef WITH_speed
#include <localis/speed/measure.hpp>
#endif

double components();

double components() {
  double refused = 0;
  [[maybe_unused]] const auto refuses = [&](auto&& call) {
    try {
      call();
    } catch (const localis::error&) {
      ++refused;
    }
  };
#ifdef WITH_gzip
  refuses([] { (void)localis::data::read_idx_gzip("nowhere/images.gz", "nowhere/labels.gz"); });
#endif
#ifdef WITH_folder
  refuses([] { (void)localis::data::folder("nowhere"); });
#endif
#ifdef WITH_safetensors
  refuses([] { (void)localis::io::safetensors("nowhere.safetensors"); });
#endif
#ifdef WITH_checkpoint
  refuses([] { (void)localis::io::read_checkpoint<float>("nowhere.checkpoint"); });
#endif
#ifdef WITH_speed
  [[maybe_unused]] int (*const measure)(int, char**) = &localis::speed::measure<localis::rule::hebb>;
#endif
  return refused;
}
