"""The dashboard in a browser, on two running participants."""
