"""Trained networks at work: which ones a run or an ensemble needs, on which pictures, and what they say."""
