"""The loop of a training: updates, epochs, checkpoints; begun, or gone on with, from any update."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.artifacts import LAST_WEIGHTS_FILE, NONFINITE_BATCH_FILE
from attention_seq2seq.config.config import Config
from attention_seq2seq.data.batching import eval_batches, num_batches, train_batches
from attention_seq2seq.data.datasets import InMemoryPairs, TFRecordPairs
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import BOS, UNK
from attention_seq2seq.training.callbacks.base import Callback, EpochInfo, StepInfo
from attention_seq2seq.training.callbacks.sample_replies import SampleReply, sample_metrics
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.model_dir import ModelDir
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.training.optimizers import make_optimizer
from attention_seq2seq.training.train_step import StepResult, TrainStep
from attention_seq2seq.training.validation import (
    Validator,
    best_epoch,
    perplexity,
)
from attention_seq2seq.training.weight_averaging import WeightAverager
from attention_seq2seq.utils.signals import deferred_interrupts

log = logging.getLogger(__name__)


class NonFiniteLossError(ValueError):
    """The loss or the gradient of an update is no finite number."""


class Trainer:
    """A training, from its last checkpoint on or from its first update.

    Everything that is drawn depends on the seed and the number of a batch; a checkpoint holds all
    the rest. So a training that is killed and run again ends with the weights, to the last bit,
    that it would have ended with.

    Args:
        model: whose weights are found.
        tokenizer: the model's.
        pairs: to train on.
        validation: to measure on; there may be none.
        model_dir: where weights, metrics and checkpoints go.
        config: of all.
        generate_samples: generates replies to the sample prompts with the model's current
            weights; None: there are no such prompts.
        callbacks: called after each update and each epoch.
        checkpoint_seconds: between two checkpoints.
        distributor: shares the work among devices and machines; only the chief writes files,
            replies to the sample prompts and runs callbacks.
    """

    def __init__(
        self,
        model,
        tokenizer: Seq2SeqTokenizer,
        pairs: InMemoryPairs | TFRecordPairs,
        validation: InMemoryPairs | TFRecordPairs,
        model_dir: ModelDir,
        config: Config,
        generate_samples: Callable[[], Sequence[SampleReply]] | None,
        callbacks: Sequence[Callback],
        checkpoint_seconds: float,
        distributor: Distributor,
    ):
        self._model, self._pairs, self._model_dir = model, pairs, model_dir
        self._codec = tokenizer
        self._options = options = config.training
        self._callbacks, self._generate_samples = callbacks, generate_samples
        self._checkpoint_seconds, self._distributor = checkpoint_seconds, distributor
        self._batches_per_epoch = num_batches(pairs, options.batch_size)
        self._steps_per_epoch = -(-self._batches_per_epoch // options.gradient_accumulation_steps)
        self._num_updates = options.epochs * self._steps_per_epoch
        self._task = Seq2SeqObjective(model, BOS, options, tokenizer.source_to_target_ids())
        self._validation = None
        if len(validation):
            in_order = eval_batches(validation, options.batch_size)
            self._validation = Validator(self._task, in_order, tokenizer, distributor)
        with distributor.scope():
            self._optimizer = make_optimizer(options, self._num_updates)
            self._optimizer.build(model.trainable_variables)
            self._averages = WeightAverager(model.named_weights(), options)
        self._checkpoints = model_dir.checkpoints if distributor.is_chief else None
        # What an epoch is measured by so far, and what the epochs before were.
        self._updates, self._loss, self._words = 0, 0.0, 0
        self._history: list[dict[str, float]] = []
        self._stop_requested = self._stopped = False

    def run(self, begin: Callable[[], None] | None = None) -> list[dict[str, float]]:
        """Trains to the end.

        Args:
            begin: called before the first update, when all is ready, in a folder whose checkpoints
                are not this training's; None: the training resumes from its last checkpoint.

        Returns:
            What was measured after each epoch.

        Raises:
            Diverged: a loss or gradient is not finite.
            KeyboardInterrupt: the training was interrupted; a checkpoint was written.
            OSError: nothing can be written.
        """
        # On every worker: the chief broadcasts its checkpoint.
        self._resume(is_new=begin is not None)
        with contextlib.ExitStack() as ending:
            for callback in self._callbacks:
                ending.callback(callback.on_train_end)
            with deferred_interrupts() as interrupted:
                saved = time.monotonic()
                batches = self._remaining_batches()
                make_update = TrainStep(
                    self._task,
                    self._optimizer,
                    batches.element_spec,
                    self._averages.on_step,
                    self._distributor,
                )
                if begin is not None:
                    begin()
                for group in self._groups(batches):
                    self._update(group, make_update)
                    if self._updates % self._steps_per_epoch == 0:
                        self._end_epoch()
                    due = time.monotonic() - saved >= self._checkpoint_seconds
                    if (stopping := interrupted()) or due:
                        self._save()
                        saved = time.monotonic()
                    if stopping:
                        log.info("stopped after update %d; the same again goes on", self._updates)
                        raise KeyboardInterrupt
            if self._words:
                # A listener has stopped it within an epoch, which ends here then.
                self._end_epoch()
        return self._history

    def finish(self) -> None:
        """Deletes the checkpoints, which only a resumed training needs."""
        if self._checkpoints:
            self._checkpoints.delete_all()

    def _remaining_batches(self) -> tf.data.Dataset:
        """The batches from the first on that no update was made of."""
        options = self._options
        epoch, in_epoch = divmod(self._updates, self._steps_per_epoch)
        return train_batches(
            self._pairs,
            options.batch_size,
            options.epochs,
            options.seed,
            epoch * self._batches_per_epoch + in_epoch * options.gradient_accumulation_steps,
            options.source_word_dropout,
            UNK,
            options.prompt_dropout,
        )

    def _groups(self, batches: tf.data.Dataset) -> Iterator[list[dict]]:
        """The batches that make one update together, for each update that is left."""
        group = []
        for batch in batches if not self._is_done() else ():
            group.append(batch)
            ends_epoch = (int(batch["batch_index"]) + 1) % self._batches_per_epoch == 0
            if len(group) == self._options.gradient_accumulation_steps or ends_epoch:
                yield group
                group = []
                if self._is_done():
                    return

    def _update(self, group: list[dict], make_update: TrainStep) -> None:
        share = self._options.scheduled_sampling_probability * self._updates / self._num_updates
        try:
            gradients, result = make_update.gradients(group, share)
        except tf.errors.OpError:
            # Another process was lost before the sums were there: no weight has changed since.
            self._save()
            raise
        if not result.is_finite:
            self._raise_non_finite(group, result)
        # What fails in here leaves weights of which some have changed: they are not saved.
        make_update.apply(gradients)
        self._updates += 1
        self._loss += result.loss
        self._words += result.num_tokens
        info = StepInfo(
            self._updates,
            self._num_updates,
            len(self._history) + 1,
            self._options.epochs,
            self._loss / self._words,
            result.num_tokens,
        )
        for callback in self._callbacks:
            self._stop_requested |= bool(callback.on_step_end(info))
        # Other processes do not hear of it before the end of the epoch.
        self._stopped = self._stop_requested and self._distributor.num_processes == 1

    def _end_epoch(self) -> None:
        self._averages.on_epoch()
        loss = self._loss / self._words
        measured = {"loss": loss, "perplexity": perplexity(loss)}
        self._loss, self._words = 0.0, 0
        samples = ()
        with self._averages.averaged_weights() as weights:
            if self._validation:
                measured |= self._validation()
            if self._generate_samples:
                samples = self._generate_samples()
                measured |= sample_metrics(samples)
        self._history.append(self._distributor.broadcast_object(measured))
        if self._distributor.is_chief:
            best = best_epoch(self._options.monitor, self._history)
            is_best = best is None or best == len(self._history) - 1
            self._model_dir.write_epoch(weights, is_best, self._history)
        info = EpochInfo(
            len(self._history), self._options.epochs, self._history, samples, self._is_done()
        )
        for callback in self._callbacks:
            self._stop_requested |= bool(callback.on_epoch_end(info))
        self._stopped = self._distributor.broadcast_object(self._stop_requested)

    def should_stop_early(self) -> bool:
        """Whether the best epoch is as long ago as patience goes."""
        patience, done = self._options.patience, len(self._history)
        best = best_epoch(self._options.monitor, self._history)
        return patience > 0 and best is not None and done - 1 - best >= patience

    def _is_done(self) -> bool:
        return (
            self._stopped or len(self._history) == self._options.epochs or self.should_stop_early()
        )

    def _save(self) -> None:
        if not self._checkpoints:
            return
        arrays = {f"model/{n}": v.numpy() for n, v in self._model.named_weights().items()}
        arrays |= {f"optimizer/{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)}
        arrays |= {f"averages/{name}": value for name, value in self._averages.state().items()}
        state = {"loss": self._loss, "words": self._words, "history": self._history}
        self._checkpoints.save(self._updates, arrays, {"updates": self._updates, **state})

    def _resume(self, is_new: bool) -> None:
        arrays, state = self._checkpoint(is_new)
        if not state:
            return
        for name, variable in self._model.named_weights().items():
            variable.assign(arrays[f"model/{name}"])
        for number, variable in enumerate(self._optimizer.variables):
            variable.assign(arrays[f"optimizer/{number}"])
        self._averages.restore(
            {n.removeprefix("averages/"): v for n, v in arrays.items() if n.startswith("averages/")}
        )
        self._updates, self._loss = state["updates"], state["loss"]
        self._words, self._history = state["words"], state["history"]
        log.info("going on after update %d of %d", self._updates, self._num_updates)

    def _checkpoint(self, is_new: bool) -> tuple[dict[str, np.ndarray], dict]:
        """Arrays and state of the chief's newest checkpoint; nothing where there is none."""
        found = self._checkpoints.restore_latest() if self._checkpoints and not is_new else None
        arrays, state = found or ({}, {})
        return self._distributor.broadcast_arrays(arrays), self._distributor.broadcast_object(state)

    def _raise_non_finite(self, group: list[dict], result: StepResult) -> None:
        """Leaves the weights before the update, and the pairs that did it; then raises."""
        if self._distributor.is_chief:
            self._model_dir.write_nonfinite_batch(group, self._averages.weights(), self._codec)
        where = "" if self._distributor.is_chief else "on the first machine, "
        folder = self._model_dir.path
        raise NonFiniteLossError(
            f"update {self._updates + 1} (epoch {len(self._history) + 1}): the loss is "
            f"{result.loss / result.num_tokens}, the norm of its gradient {result.grad_norm}. Its "
            f"pairs are {where}in {folder / NONFINITE_BATCH_FILE}; the weights before it are in "
            f"{folder / LAST_WEIGHTS_FILE}. Try a smaller learning_rate or clip_norm."
        )
