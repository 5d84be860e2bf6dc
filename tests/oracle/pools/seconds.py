"""Seconds that stay whole nanoseconds, however often they are added: as poolcast's clock counts."""


class Seconds(float):
    """A float that is rounded to nanoseconds after each sum, so that equal times are equal."""

    def __new__(cls, value):
        return super().__new__(cls, round(value, 9))

    def __add__(self, other):
        return Seconds(float(self) + float(other))

    __radd__ = __add__

    def __sub__(self, other):
        return Seconds(float(self) - float(other))

    def __rsub__(self, other):
        return Seconds(float(other) - float(self))

    def __mul__(self, other):
        return Seconds(float(self) * float(other))

    __rmul__ = __mul__


def seconds(text):
    """Reads "1500ns", as schedules write times; nothing for no time limit."""
    return None if text is None else Seconds(int(text.removesuffix("ns")) / 1e9)
