"""What the numbers mean: tables, definitions and the stages that fill them."""

__version__ = "0.1.0"
