"""Movement: motion energy of a region, and the co-movement of two."""
