"""Can a mind be imitated from its behaviour alone? Drivers whose rule, and what it looks at, are hidden."""
