"""Parts of the device simulator."""
