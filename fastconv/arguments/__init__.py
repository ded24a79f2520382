"""What people hand to networks and training: checked, with errors that say what to write instead."""
