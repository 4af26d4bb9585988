"""What is asked of debug_momentum: what is asked of bn1d."""

LEVEL = "junior"
MINUTES = 15
AFTER = ["bn1d"]
CARD = "inverted-momentum"

GRADED_AS = "bn1d"
STARTS_BROKEN = True
