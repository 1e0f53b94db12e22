"""A simulated IP camera: scenes, rendering, feeding, serving, control."""
