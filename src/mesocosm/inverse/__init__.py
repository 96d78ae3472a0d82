"""From behaviour to rewards, over small worlds of states and acts, and how far a reward is from the truth."""
