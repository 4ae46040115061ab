"""Inherited test classes: each states once what every object of a kind must satisfy."""
