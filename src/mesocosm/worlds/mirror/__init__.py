"""Bodies on a torus that touch and play a declared game; minds predict each other. Law: `docs/worlds/mirror.md`."""
