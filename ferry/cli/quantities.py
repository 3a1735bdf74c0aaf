"""Bytes, rates and times left, as one reads them at a glance."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size(size_bytes: float) -> str:
    """`512 B`, `1.2 kB`, `34.5 GB`: decimal units, three digits or so."""
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            return f"{int(value)} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes everything")


def rate(bytes_per_second: float) -> str:
    """`12.3 MB/s`."""
    return f"{size(bytes_per_second)}/s"


def time_left(seconds: float) -> str:
    """`0:07`, `12:05`, `3:02:11`, `2 d 4 h`."""
    whole = max(0, int(seconds + 0.5))
    if whole >= 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
