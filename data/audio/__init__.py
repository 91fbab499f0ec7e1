"""From recordings to features.

`decoding` turns any recording into segments, with `headers` where FFmpeg misreads a length;
`features` computes what `parameters` describe. `extraction` has tracks (`tracks`) decoded by
processes that may crash or hang (`extraction_worker`), and `feature_store` keeps what is done.
"""
