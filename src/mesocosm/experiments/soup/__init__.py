"""Byte programs that run on each other's tape: does a soup of random ones come alive?"""
