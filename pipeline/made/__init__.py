"""A made session whose truth is planted, for the demo and the tests."""
