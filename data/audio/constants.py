"""Sizes that recordings, features, datasets and files agree on."""

SAMPLE_RATE = 8000  # Hz
SEGMENT_SAMPLES = 8000  # one second
INT16_SCALE = 32768.0  # full scale of int16 samples
N_MFCC_STATISTICS = 26  # 13 means, then 13 standard deviations
MEL_SHAPE = (21, 128)  # frames of 50 ms, mel bands
