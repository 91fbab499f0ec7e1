"""All studies, one file each, in the order in which the source asks its questions."""

from experiments.studies import ffn_baseline, pooling_padding
from experiments.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY for module in (ffn_baseline, pooling_padding)
}
