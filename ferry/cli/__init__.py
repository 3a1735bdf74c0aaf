"""Ferry's command line: two participants on this machine, the story of one transfer, the emulators alone."""
