// A program that trains. foreign_macros.sh compiles it behind the macros of others.
#include "every_header.hpp"

namespace lo = localis;

using net = lo::network<lo::image<8, 8, 1>, lo::conv2d<4, 3, lo::rule::local<lo::rule::oja, lo::rule::relative_step>>,
                        lo::batch_norm, lo::relu, lo::max_pool2d<2>, lo::dense<2>>;

int main() {
  const auto data = lo::data::synthetic_images(64, 8, 8, 1, 2, 1, 0.5);
  lo::model<net> model{{.seed = 1}};
  lo::trainer trainer{model,
                      lo::scheduler::dynamic{},
                      lo::supervision::loss_gain{},
                      {.epochs = 1, .batch = 16},
                      lo::optimizer::adam{},
                      lo::learning_rate::cosine{.rate = 0.01}};
  trainer.on_epoch(lo::io::csv_log("epochs.csv"));
  trainer.fit(data);
  model.forward(std::vector<float>(64), 1, {});
}
