"""All orders: an explorer over the pure decisions of both participants, which drops, repeats, delays and crashes."""
