inline void function() {
  // block
}
