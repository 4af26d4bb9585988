"""What is asked of debug_fusion: what is asked of fuse_conv_bn."""

LEVEL = "mid"
MINUTES = 15
AFTER = ["fuse_conv_bn"]
CARD = "fusion-mistakes"

GRADED_AS = "fuse_conv_bn"
STARTS_BROKEN = True
