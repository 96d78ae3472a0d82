"""A rule behind HTTP: sessions that learn and predict, each alone, each kept on disk (extra `serve`)."""
