"""What every kernel stands on: the number of threads, the processor, shared work, sizes of scratch memory."""
