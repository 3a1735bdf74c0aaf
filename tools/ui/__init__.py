"""What looks at the dashboard with a browser: its installation, the browser itself, the tour of the docs."""
