"""Providers of a snapshot with some rows changed, made from those of the old one."""
