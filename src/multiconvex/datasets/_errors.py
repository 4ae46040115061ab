"""What can go wrong when data are asked for."""


class DataUnavailable(OSError):
    """The file is not on this machine and could not be fetched."""


class DataCorrupted(ValueError):
    """A file is there, but it is not the one that was published: its checksum differs."""
