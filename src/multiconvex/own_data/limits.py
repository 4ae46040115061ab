"""How much of a file is read into memory."""

_LARGEST = 2**28  # numbers: two gigabytes in double precision


def check_size(path, count):
    """Refuse a file that holds more numbers than are read at once."""
    if count > _LARGEST:
        raise ValueError(
            f"{path.name} holds about {count:.2g} numbers, {8 * count / 1e9:.0f} GB, and at most "
            f"{8 * _LARGEST / 1e9:.0f} GB are read at once: save a part of it, or keep it in "
            "chunks as in the chapter Scaling out."
        )
