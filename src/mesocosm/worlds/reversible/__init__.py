"""Small worlds that can run backwards to the last bit, and one that cannot. Their law: docs/worlds/reversible.md."""
