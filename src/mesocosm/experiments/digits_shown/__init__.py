"""The benchmark of learning rules: how many images are named after so many digits shown, beside every rival."""
