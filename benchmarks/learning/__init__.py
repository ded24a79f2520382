"""The programs of `learn.py`."""
