"""bnbank: a question bank on batch normalization in which every answer can be run."""

__version__ = "0.1.0"
