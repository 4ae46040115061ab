"""Rules whose state solves an equation: when there is one, how to find and differentiate it."""
