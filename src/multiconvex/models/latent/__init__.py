"""Discrete latent factor models: what a factor costs, how it is fitted, how fits start."""
