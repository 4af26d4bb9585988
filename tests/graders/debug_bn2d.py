"""What is asked of debug_bn2d: what is asked of bn2d."""

LEVEL = "junior"
MINUTES = 15
AFTER = ["bn2d"]
CARD = "batch-norm-in-numpy"

GRADED_AS = "bn2d"
STARTS_BROKEN = True
