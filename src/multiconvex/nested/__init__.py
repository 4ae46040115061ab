"""Problems inside problems: a lower level, its derivatives, and the loop of the upper level."""
