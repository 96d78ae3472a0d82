"""Minds: from a genome to the behaviour of ONE individual. The loop does the batching."""
