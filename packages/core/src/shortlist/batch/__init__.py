"""Files of queries and passages through a pipeline, on one machine or a cluster of Ray."""

from shortlist.batch.door import check as check
from shortlist.batch.door import run as run
from shortlist.batch.settings import BatchSettings as BatchSettings
