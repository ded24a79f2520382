"""Checks of what users give to networks and training; errors say what to write instead."""
