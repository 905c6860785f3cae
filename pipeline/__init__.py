"""What the numbers mean: tables, definitions and the stages that fill them. No Prefect, no torch."""

__version__ = "0.1.0"
