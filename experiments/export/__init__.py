"""A run for other programs: tables, one JSON object, or a network as an ONNX or Keras file."""
