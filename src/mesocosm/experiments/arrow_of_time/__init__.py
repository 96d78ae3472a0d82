"""Where does the arrow of time come from? Reversible worlds, run forward and then back."""
