"""Initial weights of the model."""

import numpy as np
import pytest

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.seq2seq import make_model


@pytest.mark.parametrize("share_embeddings", [False, True])
def test_initial_embeddings_lie_within_embedding_range(share_embeddings):
    options = {"units": 64, "share_embeddings": share_embeddings}
    for embedding_range, config in [
        (0.05, ModelConfig(**options)),
        (5.0, ModelConfig(embedding_range=5.0, **options)),
    ]:
        weights = make_model(config, 100, 100).named_weights()
        tables = [weight for name, weight in weights.items() if name.endswith("embedding")]
        assert len(tables) == (1 if share_embeddings else 2)
        for table in tables:
            assert 0.95 * embedding_range < np.abs(table.numpy()).max() <= embedding_range
            assert abs(np.mean(table.numpy())) < 0.05 * embedding_range
