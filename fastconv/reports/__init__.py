"""What a network tells about itself: its summary, its plan, its memory, where its time goes."""
