"""Pages of HTML about networks: one file that holds all its pictures.

report("run.npz", data, "run.html")    what a trained network is and does
write(path, text)                      a page in a file, whole or not at all

$ fastconv report run.npz --data FOLDER writes the same page.
"""

from .render import write
from .report import report

__all__ = ["report", "write"]
