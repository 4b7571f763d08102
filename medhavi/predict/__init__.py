"""Predictors: what history teaches about lead times and keeping one's word.

Pure functions of frames: no lake, no clock. `registry` alone keeps and loads models.
"""
