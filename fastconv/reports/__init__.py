"""Reports on a network: its summary, its plans, the memory and the time that they take."""
