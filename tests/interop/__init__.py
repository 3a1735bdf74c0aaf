"""Ferry and stock EDC with each other, each as provider and as consumer: `./run interop` (design: wire)."""
