"""Programs of jax as models of ONNX, with a lowering of our own: what a law or a rule needs, and no more."""
