inline void with_trainer() {
  const auto train = lo::data::synthetic_images(64, 16, 16, 1, 4, 1);
  const auto held_out = lo::data::synthetic_images(64, 16, 16, 1, 4, 1, 0.2, 64);
  lo::model<net> model;
  lo::trainer trainer{model, lo::scheduler::linear{}, lo::supervision::none{}, {.epochs = 4}};
  // block
}
