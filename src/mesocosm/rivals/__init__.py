"""The school in which rules are taught, and what else is taught in it: gradients, class means, neighbours, nets."""
