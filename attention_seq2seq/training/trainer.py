"""Training loop of updates, epochs and checkpoints. It can resume after any update."""

import contextlib
import dataclasses
import logging
import math
import time
from collections.abc import Callable, Iterator

import tensorflow as tf

from attention_seq2seq.config.artifacts import LAST_WEIGHTS_FILE, NONFINITE_BATCH_FILE
from attention_seq2seq.config.config import Config
from attention_seq2seq.data.batching import eval_batches, num_batches, train_batches
from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import BOS, UNK
from attention_seq2seq.training.callbacks.base import EpochInfo, StepInfo
from attention_seq2seq.training.callbacks.sample_replies import (
    make_sample_generator,
    sample_metrics,
)
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.early_stopping import best_epoch, should_stop_early
from attention_seq2seq.training.inputs import DatasetSplits
from attention_seq2seq.training.model_dir import ModelDir
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.training.optimizers import make_optimizer
from attention_seq2seq.training.train_step import StepResult, TrainStep
from attention_seq2seq.training.trainer_options import TrainerOptions
from attention_seq2seq.training.trainer_state import (
    TrainerState,
    restore_variables,
    variables_to_arrays,
)
from attention_seq2seq.training.validation import Validator, perplexity
from attention_seq2seq.training.weight_averaging import WeightAverager
from attention_seq2seq.utils.signals import deferred_interrupts

log = logging.getLogger(__name__)


class NonFiniteLossError(ValueError):
    """The loss or the gradient of an update is infinite or NaN."""


class Trainer:
    """Trains a model from scratch, or resumes from the latest checkpoint.

    The plain loop:

        for epoch in range(epochs):
            for micro_batches in epoch_batches:  # gradient_accumulation_steps batches
                gradients, result = train_step.gradients(micro_batches)
                if not result.is_finite:
                    raise NonFiniteLossError
                train_step.apply(gradients)
                callbacks.on_step_end(step_info)
                if is_interrupted or is_checkpoint_due:
                    save_checkpoint()
            with averager.averaged_weights() as weights:
                history.append(training_metrics | validate() | sample_metrics(sample_replies()))
            model_dir.write_epoch(weights, history)
            callbacks.on_epoch_end(epoch_info)
            if stop_requested or should_stop_early():
                break
        callbacks.on_train_end()

    All random numbers depend only on the seed and the index of a batch. A checkpoint has all other
    state. A resumed run therefore ends with the same weights, bit for bit.

    Args:
        model: the model, with initial weights.
        tokenizer: the tokenizer of the model.
        datasets: training and validation pairs.
        model_dir: the directory for weights, metrics and checkpoints.
        config: the options of the training run, with `compute_dtype` resolved.
        options: callbacks, sample prompts and checkpoint interval.
        distributor: distributes each update over devices and machines. Only the chief writes files,
            replies to the sample prompts and runs callbacks.

    Raises:
        ValueError: all sample prompts are too long.
    """

    def __init__(
        self,
        model: Seq2Seq,
        tokenizer: Seq2SeqTokenizer,
        datasets: DatasetSplits,
        model_dir: ModelDir,
        config: Config,
        options: TrainerOptions,
        distributor: Distributor,
    ):
        self._config = config.training
        self._model, self._tokenizer, self._dataset = model, tokenizer, datasets.training
        self._model_dir, self._distributor = model_dir, distributor
        self._callbacks, self._checkpoints, self._generate_samples = (), None, None
        if distributor.is_chief:
            self._callbacks, self._checkpoints = options.callbacks, model_dir.checkpoints
            if options.sample_prompts:
                self._generate_samples = make_sample_generator(
                    options.sample_prompts, model, tokenizer, config
                )

        self._batches_per_epoch = num_batches(self._dataset, self._config.batch_size)
        self._steps_per_epoch = math.ceil(
            self._batches_per_epoch / self._config.gradient_accumulation_steps
        )
        self._total_steps = self._config.epochs * self._steps_per_epoch
        self._objective = Seq2SeqObjective(
            model, BOS, self._config, tokenizer.source_to_target_ids()
        )
        self._validator = None
        if len(datasets.validation):
            batches = eval_batches(datasets.validation, self._config.batch_size)
            self._validator = Validator(self._objective, batches, tokenizer, distributor)
        with distributor.scope():
            self._optimizer = make_optimizer(self._config, self._total_steps)
            self._optimizer.build(model.named_weights())
            self._averager = WeightAverager(model.named_weights(), self._config)

        self._state = TrainerState()
        # Callbacks run on the chief only, so other workers stop at the end of the epoch.
        self._stop_requested = self._is_stopped = False
        self._checkpoint_seconds = 60 * options.checkpoint_minutes
        self._last_checkpoint_time = time.monotonic()

    def run(self, on_start: Callable[[], None] | None = None) -> list[dict[str, float]]:
        """Trains until the last epoch, early stopping, or a request of a callback.

        Args:
            on_start: called before the first update of a new run, which ignores existing
                checkpoints. None: training resumes from the latest checkpoint, if there is one.

        Returns:
            The metrics of each epoch.

        Raises:
            NonFiniteLossError: the loss or gradient of an update is not finite.
            KeyboardInterrupt: training was interrupted; a checkpoint has been written.
            OSError: a file cannot be written.
        """
        self._restore_checkpoint(is_new=on_start is not None)
        with contextlib.ExitStack() as exit_stack:
            for callback in self._callbacks:
                exit_stack.callback(callback.on_train_end)
            with deferred_interrupts() as interrupted:
                batches = self._remaining_batches()
                train_step = TrainStep(
                    self._objective,
                    self._optimizer,
                    batches.element_spec,
                    on_step=self._averager.on_step,
                    distributor=self._distributor,
                )
                if on_start is not None:
                    on_start()
                for micro_batches in self._iter_steps(batches):
                    self._run_step(train_step, micro_batches)
                    if self._state.step % self._steps_per_epoch == 0:
                        self._end_epoch()
                    is_interrupted = interrupted()
                    seconds = time.monotonic() - self._last_checkpoint_time
                    if is_interrupted or seconds >= self._checkpoint_seconds:
                        self._save_checkpoint()
                    if is_interrupted:
                        log.info("Stopped at step %d; run again to resume", self._state.step)
                        raise KeyboardInterrupt
            if self._state.num_tokens:
                # A callback has stopped training within an epoch.
                self._end_epoch()
        return self._state.history

    def _remaining_batches(self) -> tf.data.Dataset:
        """Returns the batches of all remaining steps."""
        epoch, epoch_step = divmod(self._state.step, self._steps_per_epoch)
        epoch_batch = epoch_step * self._config.gradient_accumulation_steps
        return train_batches(
            self._dataset,
            self._config.batch_size,
            self._config.epochs,
            self._config.seed,
            start_batch=epoch * self._batches_per_epoch + epoch_batch,
            source_word_dropout=self._config.source_word_dropout,
            unk_id=UNK,
            prompt_dropout=self._config.prompt_dropout,
        )

    def _iter_steps(self, batches: tf.data.Dataset) -> Iterator[list[dict]]:
        """Yields the micro-batches of each step; the last step of an epoch may have fewer."""
        if self._is_done():
            return
        micro_batches = []
        for batch in batches:
            micro_batches.append(batch)
            is_epoch_end = (int(batch["batch_index"]) + 1) % self._batches_per_epoch == 0
            if is_epoch_end or len(micro_batches) == self._config.gradient_accumulation_steps:
                yield micro_batches
                micro_batches = []
                if self._is_done():
                    return

    def _run_step(self, train_step: TrainStep, micro_batches: list[dict]) -> None:
        sampling_probability = (
            self._config.scheduled_sampling_probability * self._state.step / self._total_steps
        )
        try:
            gradients, result = train_step.gradients(micro_batches, sampling_probability)
        except tf.errors.OpError:
            # A worker was lost before gradients were summed, so the weights are unchanged.
            self._save_checkpoint()
            raise
        if not result.is_finite:
            self._raise_non_finite(micro_batches, result)
        # An error here may leave the weights partly updated, so no checkpoint is saved.
        train_step.apply(gradients)
        self._state.step += 1
        self._state.loss_sum += result.loss
        self._state.num_tokens += result.num_tokens
        info = StepInfo(
            step=self._state.step,
            total_steps=self._total_steps,
            epoch=self._state.num_epochs + 1,
            num_epochs=self._config.epochs,
            loss=self._state.mean_loss,
            num_tokens=result.num_tokens,
        )
        for callback in self._callbacks:
            self._stop_requested |= bool(callback.on_step_end(info))
        self._is_stopped = self._stop_requested and self._distributor.num_processes == 1

    def _end_epoch(self) -> None:
        self._averager.on_epoch()
        loss, samples = self._state.mean_loss, ()
        self._state.loss_sum, self._state.num_tokens = 0.0, 0
        metrics = {"loss": loss, "perplexity": perplexity(loss)}
        with self._averager.averaged_weights() as weights:
            if self._validator:
                metrics |= self._validator()
            if self._generate_samples:
                samples = self._generate_samples()
                metrics |= sample_metrics(samples)
        self._state.history.append(self._distributor.broadcast_object(metrics))
        if self._distributor.is_chief:
            best = best_epoch(self._config.monitor, self._state.history)
            is_best = best is None or best == self._state.num_epochs - 1
            self._model_dir.write_epoch(weights, is_best, self._state.history)
        info = EpochInfo(
            epoch=self._state.num_epochs,
            num_epochs=self._config.epochs,
            history=self._state.history,
            samples=samples,
            is_last=self._is_done(),
        )
        for callback in self._callbacks:
            self._stop_requested |= bool(callback.on_epoch_end(info))
        self._is_stopped = self._distributor.broadcast_object(self._stop_requested)

    def _is_done(self) -> bool:
        history = self._state.history
        if self._is_stopped or len(history) == self._config.epochs:
            return True
        return should_stop_early(self._config.monitor, history, self._config.patience)

    def _save_checkpoint(self) -> None:
        if not self._checkpoints:
            return
        arrays = variables_to_arrays(self._model, self._optimizer, self._averager)
        self._checkpoints.save(self._state.step, arrays, dataclasses.asdict(self._state))
        self._last_checkpoint_time = time.monotonic()

    def _restore_checkpoint(self, is_new: bool) -> None:
        """Restores the chief's latest checkpoint on all workers, if there is one."""
        arrays, state = {}, {}
        if self._checkpoints and not is_new:
            arrays, state = self._checkpoints.restore_latest() or (arrays, state)
        arrays = self._distributor.broadcast_arrays(arrays)
        state = self._distributor.broadcast_object(state)
        if state:
            path = self._model_dir.path
            restore_variables(arrays, self._model, self._optimizer, self._averager, path)
            self._state = TrainerState(**state)
            log.info("Resuming from step %d of %d", self._state.step, self._total_steps)

    def _raise_non_finite(self, micro_batches: list[dict], result: StepResult) -> None:
        """Writes the pairs of the step and the weights before it, then raises an error."""
        location = "on the chief, " if not self._distributor.is_chief else ""
        if self._distributor.is_chief:
            self._model_dir.write_nonfinite_batch(
                micro_batches, self._averager.weights(), self._tokenizer
            )
        path = self._model_dir.path
        raise NonFiniteLossError(
            f"Step {self._state.step + 1} (epoch {self._state.num_epochs + 1}): the loss is "
            f"{result.loss / result.num_tokens}, the gradient norm {result.grad_norm}. The pairs "
            f"are {location}in {path / NONFINITE_BATCH_FILE}, the weights before the step in "
            f"{path / LAST_WEIGHTS_FILE}. Try a smaller learning_rate or clip_norm."
        )
