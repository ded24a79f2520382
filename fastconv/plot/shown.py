"""The figure that a notebook shows where it is the value of a cell. Importing this imports matplotlib."""

from io import BytesIO

from matplotlib.figure import Figure


class Shown(Figure):
    """A Figure of matplotlib with a picture of its own, whatever backend is set."""

    def _repr_png_(self) -> bytes:
        """What notebooks show."""
        picture = BytesIO()
        self.savefig(picture, format="png", dpi=110)
        return picture.getvalue()
