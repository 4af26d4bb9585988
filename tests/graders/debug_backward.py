"""What is asked of debug_backward: what is asked of bn_backward."""

LEVEL = "senior"
MINUTES = 25
AFTER = ["bn_backward"]
CARD = "gradient-of-the-sum"

GRADED_AS = "bn_backward"
STARTS_BROKEN = True
