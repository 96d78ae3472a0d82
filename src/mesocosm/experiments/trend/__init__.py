"""The strategy of E. coli: tumble when the odour falls."""
