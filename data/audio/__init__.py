"""From recordings to features: decoding, segments, MFCC statistics and mel-spectrograms."""
