inline void function() {
// block
}
