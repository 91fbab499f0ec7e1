"""Where datasets come from: recordings, features of others, a download, the demo music.

Recordings: `audio_files`, `layouts`, `label_table`, `file_index` and `split_lists` find files and
labels for `recordings`; `grouping` names what stays together, `building` computes features, and
`audio_folder` makes the dataset. Features of others: `array_files` with `labelled_arrays`, or
`feature_table`, find `labelled_rows`, of which `importing` makes a dataset; `npy_folder` reads the
source's own layout. `csv_table` reads the tables of both, and `names` spells genres.
`download` and `demo` make the other two; `open` loads what a command names.
"""
