"""An element that lives in bodies: when does a parasite become part of the self?"""
