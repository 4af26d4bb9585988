"""What is asked of debug_freeze: what is asked of freeze_bn."""

LEVEL = "mid"
MINUTES = 25
AFTER = ["freeze_bn"]
CARD = "freeze-by-override"
NEEDS = "torch"
SECONDS = 60  # importing torch and its optimizers takes several of them

GRADED_AS = "freeze_bn"
STARTS_BROKEN = True
