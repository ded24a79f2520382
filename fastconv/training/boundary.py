"""What a training was at its last update, for an interrupt between the batches of one update."""

from typing import Any

from .divergence import Kept

__all__ = ["Boundary"]


class Boundary:
    """Copies of the buffers, of the batches done and of what was counted, as they were after the last update."""

    def __init__(self, run: Any) -> None:
        self.run, self.buffers = run, Kept(run.network, parameters=False)
        self.pass_by()

    def pass_by(self) -> None:
        """The training is between two updates."""
        self.batch, self.counted = self.run.batch, self.run.count.state()
        self.buffers.keep()

    def go_back(self) -> None:
        """Undo the batches since the last update."""
        self.run.batch = self.batch
        self.run.count.load_state(self.counted)
        if self.run.adjust is not None:
            self.run.adjust.forget()
        self.buffers.put_back()
