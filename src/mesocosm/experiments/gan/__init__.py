"""An artist and a critic: two small nets that learn in each other's presence."""
