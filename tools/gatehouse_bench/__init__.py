"""The measurements behind tools/bench."""
