"""Sizes that recordings, features, datasets and files agree on."""

SAMPLE_RATE = 8000  # Hz, of the demo music and, unless others are asked for, of all segments
INT16_SCALE = 32768.0  # full scale of int16 samples
MOST_ROW_VALUES = 2**20  # of one feature of a segment
