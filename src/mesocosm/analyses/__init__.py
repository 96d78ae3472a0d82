"""The catalogue of analyses: one file (or folder) each, with an `ANALYSIS`. Being here is all it takes."""
