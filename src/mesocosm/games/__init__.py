"""Games of learners: what each player wants (`game`), how it learns (`learner`), and those that are known by name."""
