"""The loop of training: batches for replicas, steps, epochs and their clock, checkpoints, predictions of splits."""
