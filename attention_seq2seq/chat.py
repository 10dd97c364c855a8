"""Python API of a trained model: generates, streams, scores and explains replies."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.attribution import leave_one_out_drops, normalize_drops
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams, PackedParams
from attention_seq2seq.decoding.postprocessing import copied_positions
from attention_seq2seq.decoding.step import Hypotheses
from attention_seq2seq.decoding.stepwise import StepwiseGreedySearch
from attention_seq2seq.decoding.text_params import make_decoding_params
from attention_seq2seq.models.ensemble import Ensemble
from attention_seq2seq.models.seq2seq import Seq2Seq, make_model
from attention_seq2seq.models.weights import load_weights
from attention_seq2seq.reply import Attribution, Reply
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.spelling import num_final_tokens
from attention_seq2seq.text.vocabulary import BOS, EOS, PAD, TURN, UNK
from attention_seq2seq.utils.batch import bucket_by_length, check_texts, pad_batch

log = logging.getLogger(__name__)

# The maximum number of prompts in a batch. Prompts are batched by length.
_BATCH_SIZE = 64


class Chat:
    """A trained model and its tokenizer. `attention_seq2seq.train` has an example.

    A `Chat` is thread-safe. It does not survive `fork`, because TensorFlow hangs in forked
    processes: start workers with `multiprocessing.get_context("spawn")`, and load the model in
    each worker.

    Args:
        tokenizer: converts strings to ids, and ids to strings.
        model: computes logits.
        config: the options of the training run.
    """

    def __init__(self, tokenizer: Seq2SeqTokenizer, model: Seq2Seq | Ensemble, config: Config):
        self.tokenizer = tokenizer
        self.model = model
        self.config = config
        self.generator = SequenceGenerator(model, BOS, EOS)
        self.stepwise_search = StepwiseGreedySearch(model, BOS, EOS)

    @classmethod
    def load(cls, model_dir: str | Path, *ensemble_dirs: str | Path) -> "Chat":
        """Loads a trained model, or an ensemble of several.

        Args:
            model_dir: directory of the model.
            *ensemble_dirs: directories of other models with the same vocabularies.

        Raises:
            FileNotFoundError: a directory has no model, or one of its files is missing.
            ValueError: a file is damaged or has another format, or the vocabularies differ.
        """
        chats = [cls._load_one(directory) for directory in (model_dir, *ensemble_dirs)]
        for directory, chat in zip(ensemble_dirs, chats[1:]):
            if chat.tokenizer != chats[0].tokenizer:
                raise ValueError(
                    f"Cannot ensemble {model_dir} and {directory}: their vocabularies differ. "
                    "Train both on the same prepared dataset."
                )
        model = Ensemble([chat.model for chat in chats]) if ensemble_dirs else chats[0].model
        return cls(chats[0].tokenizer, model, chats[0].config)

    @classmethod
    def _load_one(cls, model_dir: str | Path) -> "Chat":
        config = Config.load(model_dir)
        tokenizer = Seq2SeqTokenizer.load(model_dir, config.text)
        model = make_model(
            config.model, len(tokenizer.source.vocabulary), len(tokenizer.target.vocabulary)
        )
        load_weights(model, Path(model_dir) / config.training.weights_file)
        return cls(tokenizer, model, config)

    def reply(self, prompts: Sequence[str], decoding: DecodingConfig | None = None) -> list[Reply]:
        """Returns the best reply to each prompt.

        Args:
            prompts: any strings. An empty prompt is read as one unknown token. A prompt longer
                than `max_source_length` is truncated with a warning. For a model with
                `context_turns`, a prompt has one turn per line, and the model replies to the last.
            decoding: options of decoding; greedy search by default.

        Raises:
            TypeError: the prompts are not a list of strings.
        """
        return [replies[0] for replies in self.generate(prompts, decoding)]

    def generate(
        self, prompts: Sequence[str], decoding: DecodingConfig | None = None
    ) -> list[list[Reply]]:
        """Returns several replies to each prompt: beam search results, best first, or samples.

        Args:
            prompts: any strings; long prompts are truncated with a warning.
            decoding: options of decoding; greedy search by default.

        Returns:
            `num_return_sequences` replies for each prompt, or fewer if beam search finds fewer
            distinct replies.

        Raises:
            TypeError: the prompts are not a list of strings.
        """
        check_texts("prompts", prompts)
        decoding = DecodingConfig() if decoding is None else decoding
        encoded = [self._encode_prompt(prompt) for prompt in prompts]
        params = self.decoding_params(decoding).pack()
        replies = {}
        for indices in bucket_by_length([ids for _, ids in encoded], _BATCH_SIZE):
            batch = [encoded[index] for index in indices]
            replies.update(zip(indices, self._generate_batch(batch, decoding, params)))
        return [replies[index] for index in range(len(prompts))]

    def stream(self, prompt: str, decoding: DecodingConfig | None = None) -> Iterator[str]:
        """Yields the reply to one prompt piece by piece while greedy search generates it.

        The concatenated pieces equal `reply([prompt], decoding)[0].text`.

        Args:
            prompt: any string; a long prompt is truncated with a warning.
            decoding: options with method greedy and without `mmi_weight`.

        Raises:
            ValueError: `method` is not greedy, or `mmi_weight` is not 0.

        Example:
            >>> from attention_seq2seq import train
            >>> directory = getfixture("tmp_path")
            >>> _ = train([("你好", "你好呀")] * 9, directory, progress=False)
            >>> list(Chat.load(directory).stream("你好"))
            ['你好', '呀']
        """
        check_texts("prompts", [prompt])
        decoding = DecodingConfig() if decoding is None else decoding
        params = self.decoding_params(decoding)
        if decoding.method != "greedy" or decoding.mmi_weight:
            raise ValueError(
                f"method is {decoding.method!r} and mmi_weight {decoding.mmi_weight}; a stream "
                "needs method 'greedy' and mmi_weight 0."
            )
        return self._stream(prompt, decoding, params)

    def _stream(self, prompt: str, decoding: DecodingConfig, params: DecodingParams):
        prompt_tokens, source_ids = self._encode_prompt(prompt)
        prompt_target_ids = self.tokenizer.target_ids(prompt_tokens, source_ids)
        tokens, text = [], ""
        for ids, weights in self.stepwise_search.stream(source_ids, prompt_target_ids, params):
            tokens += self._tokens(ids, weights, prompt_tokens, source_ids, decoding)
            final_tokens = tokens[: num_final_tokens(tokens)]
            previous_text, text = text, self.tokenizer.target.detokenize(final_tokens)
            if piece := text[len(previous_text) :]:
                yield piece
        if rest := self.tokenizer.target.detokenize(tokens)[len(text) :]:
            yield rest

    def score(
        self,
        prompts: Sequence[str],
        replies: Sequence[str],
        decoding: DecodingConfig | None = None,
    ) -> list[float]:
        """Returns the scores that beam search would rank given replies by.

        Args:
            prompts: any strings; long prompts are truncated with a warning.
            replies: one reply for each prompt.
            decoding: options of decoding. Penalties and weights are applied, constraints are not.
                By default, a score is the log-probability normalized by `length_penalty`.

        Raises:
            TypeError: prompts or replies are not a list of strings.
            ValueError: the numbers of prompts and replies differ.
        """
        check_texts("prompts", prompts)
        check_texts("replies", replies)
        if len(prompts) != len(replies):
            raise ValueError(
                f"{len(prompts)} prompts and {len(replies)} replies; expected one reply for each "
                "prompt."
            )
        params = self.decoding_params(DecodingConfig() if decoding is None else decoding).pack()
        source = [self._encode_prompt(prompt)[1] for prompt in prompts]
        target = [self.tokenizer.target.encode(reply) for reply in replies]
        scores = np.zeros(len(target))
        for indices in bucket_by_length(target, _BATCH_SIZE):
            source_ids, source_length = pad_batch([source[i] for i in indices])
            reply_ids, reply_length = pad_batch([target[i] for i in indices])
            scores[indices] = self.generator.rescore(
                source_ids, source_length, reply_ids, reply_length, params
            )
        return scores.tolist()

    def attribute(self, source_ids: Sequence[int], reply_ids: Sequence[int]) -> np.ndarray:
        """Returns how much each token of a prompt contributes to each token of a reply.

        Args:
            source_ids: ids of the prompt.
            reply_ids: ids of the reply, with or without EOS.

        Returns:
            float32[target_time, source_time], defined as `Reply.contributions`.
        """
        return normalize_drops(self._drops(source_ids, reply_ids)).numpy()

    def _drops(self, source_ids: Sequence[int], reply_ids: Sequence[int]) -> np.ndarray:
        """Returns the drops that contributions are computed from."""
        source, reply = (tf.constant(ids, tf.int32) for ids in (source_ids, reply_ids))
        return leave_one_out_drops(
            self.generator, source, tf.size(source), reply, tf.size(reply), UNK
        ).numpy()

    def _encode_prompt(self, prompt: str) -> tuple[list[str], list[int]]:
        """Returns the tokens of a prompt and their ids, truncated to `max_source_length`."""
        limit = self.config.data.max_source_length
        tokens, ids = self.tokenizer.source.encode_with_tokens(prompt, limit)
        if len(tokens) > limit:
            text = " ".join(prompt.split())
            text = text if len(text) <= 40 else f"{text[:39]}…"
            log.warning(
                "The prompt has %d tokens; only the first %d are used: %s", len(tokens), limit, text
            )
        return tokens[:limit], ids[:limit]

    def _generate_batch(
        self, encoded, decoding: DecodingConfig, params: PackedParams
    ) -> list[list[Reply]]:
        """Returns the replies to a batch of prompts, given as pairs of tokens and ids."""
        source_ids, source_length = pad_batch([ids for _, ids in encoded])
        prompt_target_ids = [self.tokenizer.target_ids(*prompt) for prompt in encoded]
        prompt_target_ids, _ = pad_batch(prompt_target_ids, -1)
        generate = self.generator.methods[decoding.method]
        hypotheses = generate(source_ids, source_length, prompt_target_ids, params)
        rows = map(Hypotheses._make, zip(*(column.numpy() for column in hypotheses)))
        replies = [[] for _ in encoded]
        for index, row in enumerate(rows):
            # Rows of length 0 fill up a beam with fewer distinct replies than rows.
            if row.lengths > 0:
                prompt_index = index // decoding.num_return_sequences
                replies[prompt_index].append(self._to_reply(*encoded[prompt_index], row, decoding))
        return replies

    def _tokens(
        self, ids: list[int], attention_weights, prompt_tokens, source_ids, decoding: DecodingConfig
    ) -> list[str]:
        """Returns the tokens of a reply. `unk_policy` replace replaces unknown tokens."""
        tokens = self.tokenizer.target.vocabulary.tokens(ids)
        if decoding.unk_policy != "replace" or UNK not in ids or not self.model.has_attention:
            return tokens
        positions = copied_positions(
            [ids], attention_weights[np.newaxis], [source_ids], UNK, (PAD, TURN)
        )[0].numpy()
        return [prompt_tokens[p] if p >= 0 else token for token, p in zip(tokens, positions)]

    def decoding_params(self, decoding: DecodingConfig) -> DecodingParams:
        """Converts decoding options to parameters for this model.

        Raises:
            TypeError: `decoding` is not a `DecodingConfig`.
            ValueError: the prefix has an OOV token.
        """
        # Length of the longest training reply plus EOS.
        max_length = self.config.data.max_target_length + 1
        return make_decoding_params(decoding, self.tokenizer.target, max_length)

    def _to_reply(self, prompt_tokens, source_ids, hypothesis: Hypotheses, decoding) -> Reply:
        ids = hypothesis.ids[: hypothesis.lengths].tolist()
        finished = ids[-1] == EOS
        weights = hypothesis.attention_weights[: len(ids), : len(source_ids)]
        tokens = self._tokens(ids, weights, prompt_tokens, source_ids, decoding)
        tokens = tokens[:-1] if finished else tokens
        return Reply(
            text=self.tokenizer.target.detokenize(tokens),
            tokens=tokens,
            prompt_tokens=prompt_tokens,
            word_groups=self.tokenizer.target.group_words(tokens),
            prompt_word_groups=self.tokenizer.source.group_words(prompt_tokens),
            log_prob=float(hypothesis.token_log_probs.sum()),
            score=float(hypothesis.scores),
            attention_weights=weights,
            finished=finished,
            _attribute=Attribution(self._drops, source_ids, ids),
        )
