"""Traders with hidden beliefs about the future place orders: what can be read from the orders alone?"""
