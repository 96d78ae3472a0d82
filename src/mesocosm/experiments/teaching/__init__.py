"""Brains that teach brains: what is left of the first one after generations?"""
