"""What of a blob is kept when it is copied: cases, the copies of each, and the page that shows what came of them."""
