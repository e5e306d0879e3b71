"""HotStuff view by view: `specs/hotstuff/HotStuffViews.tla`."""
