"""Elements: plasmids, viruses, symbionts. They live in bodies, have genes of their own, and pass from body to body."""
