"""What a model file may hold before Keras reads it.

A `.keras` file of other people may name any class, announce any size and link to any
file. `archive` unpacks one whose members are as Keras writes them, `architecture` walks
the layers that its config asks for, `layers` knows ours, and `weights` holds what is
stored against that. None of them imports Keras, and nothing is allocated for what a
file only announces.
"""

from networks.safe_loading.archive import refusal, unpack

__all__ = ["refusal", "unpack"]
