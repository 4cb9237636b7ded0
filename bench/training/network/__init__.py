"""Networks: a backbone with its head, the scale of random ones, losses and optimizers."""
