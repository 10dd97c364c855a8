"""The loop of a training: updates, epochs, checkpoints; begun, or gone on with, from any update."""

import contextlib
import csv
import io
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.config import Config
from attention_seq2seq.files import whole_file
from attention_seq2seq.model.weights import write_weights
from attention_seq2seq.text.codec import Codec
from attention_seq2seq.text.vocabulary import BOS, UNK
from attention_seq2seq.training.averages import Averages
from attention_seq2seq.training.batching import batches, num_batches, training_batches
from attention_seq2seq.training.checkpoints import Checkpoints
from attention_seq2seq.training.encoded_pairs import InMemory, Shards
from attention_seq2seq.training.interruptions import interruptions
from attention_seq2seq.training.listeners import Epoch, Listener, Update
from attention_seq2seq.training.measuring import (
    Probing,
    Validation,
    best_of,
    of_probes,
    perplexity,
)
from attention_seq2seq.training.optimizer import optimizer_of
from attention_seq2seq.training.teacher_forcing import TeacherForcing
from attention_seq2seq.training.updates import Outcome, Updates

log = logging.getLogger(__name__)

BEST, LAST, LOG = "best.npz", "last.npz", "log.csv"
CHECKPOINTS = "checkpoints"
OFFENDING_BATCH = "offending_batch.tsv"


class Diverged(ValueError):
    """The loss or the gradient of an update is no finite number."""


class Loop:
    """A training, from its last checkpoint on or from its first update.

    Everything that is drawn depends on the seed and the number of a batch; a checkpoint holds all
    the rest. So a training that is killed and run again ends with the weights, to the last bit,
    that it would have ended with.

    Args:
        model: whose weights are found.
        codec: of its words.
        pairs: to train on.
        validation: to measure on; there may be none.
        folder: where weights, log and checkpoints go.
        config: of all.
        probing: answers the probe prompts with the weights that the model has; None: there are
            no such prompts.
        listeners: who is told.
        checkpoint_seconds: between two checkpoints.
    """

    def __init__(
        self,
        model,
        codec: Codec,
        pairs: InMemory | Shards,
        validation: InMemory | Shards,
        folder: Path,
        config: Config,
        probing: Probing | None,
        listeners: Sequence[Listener],
        checkpoint_seconds: float,
    ):
        self._model, self._codec, self._pairs, self._folder = model, codec, pairs, folder
        self._options = options = config.training
        self._listeners, self._probing = listeners, probing
        self._checkpoint_seconds = checkpoint_seconds
        self._batches_an_epoch = num_batches(pairs, options.batch_size)
        self._updates_an_epoch = -(-self._batches_an_epoch // options.accumulated_batches)
        self._num_updates = options.epochs * self._updates_an_epoch
        self._task = TeacherForcing(model, BOS, options, codec.said_as())
        self._validation = None
        if len(validation):
            in_order = batches(validation, options.batch_size)
            self._validation = Validation(self._task, in_order, codec)
        self._optimizer = optimizer_of(options, self._num_updates)
        self._optimizer.build(model.trainable_variables)
        self._averages = Averages(model.named_weights(), options)
        self._checkpoints = Checkpoints(folder / CHECKPOINTS)
        # What an epoch is measured by so far, and what the epochs before were.
        self._updates, self._loss, self._words = 0, 0.0, 0
        self._history: list[dict[str, float]] = []
        self._stopped = False

    def run(self) -> list[dict[str, float]]:
        """Trains to the end.

        Returns:
            What was measured after each epoch.

        Raises:
            Diverged: a loss or gradient is not finite.
            KeyboardInterrupt: the training was interrupted; a checkpoint was written.
            OSError: nothing can be written.
        """
        self._resume()
        with contextlib.ExitStack() as ending:
            for listener in self._listeners:
                ending.callback(listener.ended)
            with interruptions() as interrupted:
                saved = time.monotonic()
                batches = self._batches_left()
                make_update = Updates(
                    self._task,
                    self._optimizer,
                    batches.element_spec,
                    self._averages.after_update,
                )
                for group in self._groups(batches):
                    self._update(group, make_update)
                    if self._updates % self._updates_an_epoch == 0:
                        self._end_epoch()
                    due = time.monotonic() - saved >= self._checkpoint_seconds
                    if due or interrupted():
                        self._save()
                        saved = time.monotonic()
                    if interrupted():
                        log.info("stopped after update %d; the same again goes on", self._updates)
                        raise KeyboardInterrupt
            if self._words:
                # A listener has stopped it within an epoch, which ends here then.
                self._end_epoch()
        return self._history

    def finish(self) -> None:
        """Removes what only a training that goes on needs."""
        self._checkpoints.clear()

    def _batches_left(self) -> tf.data.Dataset:
        """The batches from the first on that no update was made of."""
        options = self._options
        epoch, in_epoch = divmod(self._updates, self._updates_an_epoch)
        return training_batches(
            self._pairs,
            options.batch_size,
            options.epochs,
            options.seed,
            epoch * self._batches_an_epoch + in_epoch * options.accumulated_batches,
            options.unknown_probability,
            UNK,
            options.empty_probability,
        )

    def _groups(self, batches: tf.data.Dataset) -> Iterator[list[dict]]:
        """The batches that make one update together, for each update that is left."""
        group = []
        for batch in batches if not self._is_over() else ():
            group.append(batch)
            ends_epoch = (int(batch["number"]) + 1) % self._batches_an_epoch == 0
            if len(group) == self._options.accumulated_batches or ends_epoch:
                yield group
                group = []
                if self._is_over():
                    return

    def _update(self, group: list[dict], make_update: Updates) -> None:
        share = self._options.scheduled_sampling * self._updates / self._num_updates
        outcome = make_update(group, share)
        if not outcome.is_finite:
            self._diverged(group, outcome)
        self._updates += 1
        self._loss += outcome.loss
        self._words += outcome.words
        update = Update(
            self._updates,
            self._num_updates,
            len(self._history) + 1,
            self._options.epochs,
            self._loss / self._words,
            outcome.words,
        )
        for listener in self._listeners:
            self._stopped |= bool(listener.updated(update))

    def _end_epoch(self) -> None:
        self._averages.after_epoch()
        loss = self._loss / self._words
        measured = {"loss": loss, "perplexity": perplexity(loss)}
        self._loss, self._words = 0.0, 0
        weights = self._averages.weights()
        probes = ()
        with self._measured_weights(weights):
            if self._validation:
                measured |= self._validation()
            if self._probing:
                probes = self._probing()
                measured |= of_probes(probes)
        write_weights(weights, self._folder / LAST)
        self._history.append(measured)
        best = best_of(self._options.best_by, self._history)
        if best is None or best == len(self._history) - 1:
            write_weights(weights, self._folder / BEST)
        self._write_log()
        epoch = Epoch(
            len(self._history), self._options.epochs, self._history, probes, self._is_over()
        )
        for listener in self._listeners:
            self._stopped |= bool(listener.measured(epoch))

    @contextlib.contextmanager
    def _measured_weights(self, weights) -> Iterator[None]:
        """Within it the model has the averaged weights, if there are any."""
        if self._options.averaging == "none":
            yield
            return
        variables = self._model.named_weights()
        trained = {name: variable.numpy() for name, variable in variables.items()}
        for name, variable in variables.items():
            variable.assign(weights[name])
        try:
            yield
        finally:
            for name, variable in variables.items():
                variable.assign(trained[name])

    def is_stale(self) -> bool:
        """Whether the best epoch is as long ago as patience goes."""
        patience, done = self._options.patience, len(self._history)
        best = best_of(self._options.best_by, self._history)
        return patience > 0 and best is not None and done - 1 - best >= patience

    def _is_over(self) -> bool:
        return self._stopped or len(self._history) == self._options.epochs or self.is_stale()

    def _write_log(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["epoch", *self._history[0]], lineterminator="\n")
        writer.writeheader()
        for number, measured in enumerate(self._history, 1):
            writer.writerow({"epoch": number, **measured})
        with whole_file(self._folder / LOG) as file:
            file.write(text.getvalue().encode())

    def _save(self) -> None:
        arrays = {f"model/{n}": v.numpy() for n, v in self._model.named_weights().items()}
        arrays |= {f"optimizer/{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)}
        arrays |= {f"averages/{name}": value for name, value in self._averages.state().items()}
        state = {"loss": self._loss, "words": self._words, "history": self._history}
        self._checkpoints.save(self._updates, arrays, {"updates": self._updates, **state})

    def _resume(self) -> None:
        found = self._checkpoints.newest()
        if found is None:
            return
        arrays, state = found
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

    def _diverged(self, group: list[dict], outcome: Outcome) -> None:
        """Leaves the weights before the update, and the pairs that did it; then raises."""
        write_weights(self._averages.weights(), self._folder / LAST)
        path = self._folder / OFFENDING_BATCH
        sides = self._codec.source_vocabulary, self._codec.target_vocabulary
        with path.open("w", encoding="utf-8") as file:
            for batch in group:
                rows = (batch[name].numpy() for name in ("source_ids", "target_ids"))
                for ids in zip(*rows):
                    words = (side.words(i for i in row if i) for side, row in zip(sides, ids))
                    file.write("\t".join(map(" ".join, words)) + "\n")
        raise Diverged(
            f"update {self._updates + 1} (epoch {len(self._history) + 1}): the loss is "
            f"{outcome.loss / outcome.words}, the norm of its gradient {outcome.norm}. Its pairs "
            f"are in {path}; the weights before it are in {self._folder / LAST}. Try a smaller "
            "learning_rate or clip_norm."
        )
