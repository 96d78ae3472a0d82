"""A learning rule that evolution writes: the same small genome at every synapse and neuron learns digits."""
