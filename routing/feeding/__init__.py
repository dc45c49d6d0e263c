"""Takes in what others report of places: from files, over HTTP, and pulled from addresses."""
