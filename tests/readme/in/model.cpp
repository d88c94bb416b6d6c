inline void with_model(lo::model<net>& model) {
  // block
}
