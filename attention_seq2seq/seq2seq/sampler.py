"""Samplers, which choose the ids and the next inputs of a `BasicDecoder`."""

from attention_seq2seq.seq2seq.inference_samplers import (
    GreedyEmbeddingSampler,
    InferenceSampler,
    SampleEmbeddingSampler,
)
from attention_seq2seq.seq2seq.random_samples import bernoulli_sample, categorical_sample
from attention_seq2seq.seq2seq.sampler_base import CustomSampler, Sampler
from attention_seq2seq.seq2seq.scheduled_samplers import (
    ScheduledEmbeddingTrainingSampler,
    ScheduledOutputTrainingSampler,
)
from attention_seq2seq.seq2seq.training_sampler import TrainingSampler

__all__ = [
    "CustomSampler",
    "GreedyEmbeddingSampler",
    "InferenceSampler",
    "SampleEmbeddingSampler",
    "Sampler",
    "ScheduledEmbeddingTrainingSampler",
    "ScheduledOutputTrainingSampler",
    "TrainingSampler",
    "bernoulli_sample",
    "categorical_sample",
]
