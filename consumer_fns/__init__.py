"""The consumer's triggers: management API, DSP callbacks, task queue, completion marker."""
