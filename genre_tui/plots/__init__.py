"""Line plots of curves with bands, drawn in braille characters."""
