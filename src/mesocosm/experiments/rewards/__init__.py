"""Evolution writes the reward: genes that say what is good, and minds that find out how to get it."""
