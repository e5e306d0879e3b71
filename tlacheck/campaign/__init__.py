"""Campaigns: many cases of one work, shared by any executor, none of them lost or counted twice.

docs/campaigns.md says what a campaign promises, and what its nouns are. `run` is the entry; `Work` is
what soak tests, explorations, mutants and sweeps declare; `CampaignFile` is what stays. Distribution is
the executor's: processes of this machine, or Dask's scheduler (`tlacheck.campaign.scheduler`, an extra).
"""

from tlacheck.campaign.record import CampaignFile, Row
from tlacheck.campaign.result import Campaign, Group
from tlacheck.campaign.run import Limits, run, run_to_first_failure
from tlacheck.campaign.version import Version
from tlacheck.campaign.work import Done, Work

__all__ = [
    "Campaign",
    "CampaignFile",
    "Done",
    "Group",
    "Limits",
    "Row",
    "Version",
    "Work",
    "run",
    "run_to_first_failure",
]
