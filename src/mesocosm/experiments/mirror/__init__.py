"""Minds that predict each other: does their depth escalate, and where does it stop?"""
