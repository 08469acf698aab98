"""A layer and the updates of it, for the tests of optimizers."""

import torch

OPTIONS = {"lr": 1e-3, "betas": (0.9, 0.95), "weight_decay": 0.1}


def make_layer(inputs, outputs, dtype, seed=0):
    """A layer whose weights the seed names."""
    torch.manual_seed(seed)
    return torch.nn.Linear(inputs, outputs).to(dtype)


def steps(model, optimizer, count, first=0):
    """Takes steps, each of two micro-batches; the gradients of step k depend on k alone."""
    for k in range(first, first + count):
        generator = torch.Generator().manual_seed(k)
        inputs = torch.randn(7, model.in_features, generator=generator)
        for part in inputs.split(4):
            optimizer.backward(model(part.to(model.weight.dtype)).float().square().sum() / 100)
        optimizer.clip(1.0)
        optimizer.step()
        optimizer.zero_grad()
