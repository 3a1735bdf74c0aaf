"""What the triggers call: one method a route, from request to answer. JSON and status codes, no Azure Functions."""
