"""A prompt to a reply: tokenizer, model and search joined; the door for Python users."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.attribution import leave_one_out_attribution
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.step import Hypotheses, deduplicate
from attention_seq2seq.decoding.stepwise import StepwiseGreedySearch
from attention_seq2seq.models.ensemble import Ensemble
from attention_seq2seq.models.seq2seq import Seq2Seq, make_model
from attention_seq2seq.models.weights import load_weights
from attention_seq2seq.reply import Measurement, Reply, replace_unk
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import BOS, EOS, PAD, TURN, UNK
from attention_seq2seq.utils.batch import bucket_by_length, check_texts, pad_batch

log = logging.getLogger(__name__)

# More prompts than this are answered in several batches, each of prompts of similar length.
_BATCH_SIZE = 64


class Chat:
    """A trained model that answers; `training.trainer.train` has an example.

    Threads may share it. Processes cannot by `fork`: a process that has used TensorFlow hangs in
    its forked children. Start workers with `multiprocessing.get_context("spawn")`, and load the
    model in each.

    Args:
        tokenizer: strings to ids, and ids to strings.
        model: ids to logits.
        config: of the training.
    """

    def __init__(self, tokenizer: Seq2SeqTokenizer, model: Seq2Seq | Ensemble, config: Config):
        self.tokenizer = tokenizer
        self.model = model
        self.config = config
        self.generator = SequenceGenerator(model, BOS, EOS)
        self.stepwise_search = StepwiseGreedySearch(model, BOS, EOS)

    @classmethod
    def load(cls, model_dir: str | Path, *ensemble_dirs: str | Path) -> "Chat":
        """Loads a trained model from its folder, or several that answer together.

        Args:
            model_dir: the folder.
            *ensemble_dirs: directories of further models, with the same vocabularies, to ensemble.

        Raises:
            FileNotFoundError: there is no model, or a part of it is missing.
            ValueError: a part of it is damaged, or of another version; the words are not the same.
        """
        first, *more = map(cls._load_one, (model_dir, *ensemble_dirs))
        for folder, chat in zip(ensemble_dirs, more):
            if chat.tokenizer != first.tokenizer:
                raise ValueError(
                    f"{folder} reads or says other words than {model_dir}, so they cannot answer "
                    "together. Train all of them on one folder that prepare.py has written."
                )
        model = Ensemble([chat.model for chat in (first, *more)]) if more else first.model
        return cls(first.tokenizer, model, first.config)

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
        """The best reply to each prompt.

        Args:
            prompts: any strings. An empty one is answered as one unknown word would be; of one
                longer than `max_source_length` the first words are read, with a warning. Of a
                model with `context_turns` a prompt may be several turns, a line each, of which
                the last is answered.
            decoding: how to search; greedily by default.

        Raises:
            TypeError: the prompts are no list of strings.
        """
        return [replies[0] for replies in self.generate(prompts, decoding)]

    def generate(
        self, prompts: Sequence[str], decoding: DecodingConfig | None = None
    ) -> list[list[Reply]]:
        """The best replies to each prompt, the best first, or its samples in the order drawn.

        Args:
            prompts: as for `reply`.
            decoding: how to search; its `num_return_sequences` says how many.

        Returns:
            For each prompt `num_return_sequences` replies; fewer if the beam has no more, or if
            its groups found the same ones.

        Raises:
            TypeError: the prompts are no list of strings.
        """
        check_texts("prompts", prompts)
        decoding = DecodingConfig() if decoding is None else decoding
        encoded = [self._encode_prompt(prompt) for prompt in prompts]
        params = self.decoding_params(decoding)
        found = [[] for _ in prompts]
        for batch in bucket_by_length([ids for _, ids in encoded], _BATCH_SIZE):
            replies = self._generate_batch([encoded[i] for i in batch], decoding, params)
            for number, of_one in zip(batch, replies):
                found[number] = of_one
        return found

    def stream(self, prompt: str, decoding: DecodingConfig | None = None) -> Iterator[str]:
        """Generates the reply to one prompt by greedy search, and yields its text in pieces.

        The pieces joined are `reply([prompt], decoding)[0].text`.

        Args:
            prompt: as one of those of `reply`.
            decoding: options with method greedy and without `mmi_weight`.

        Raises:
            ValueError: `decoding` needs more than greedy search.

        Example:
            >>> from attention_seq2seq import train
            >>> folder = getfixture("tmp_path")
            >>> _ = train([("你好", "你好呀")] * 9, folder, progress=False)
            >>> list(Chat.load(folder).stream("你好"))
            ['你好', '呀']
        """
        check_texts("prompts", [prompt])
        decoding = DecodingConfig() if decoding is None else decoding
        params = self.decoding_params(decoding)
        if decoding.method != "greedy" or decoding.mmi_weight:
            raise ValueError(
                f"method is {decoding.method} and mmi_weight "
                f"{decoding.mmi_weight}; a stream needs greedy search without it."
            )
        return self._stream(prompt, params, decoding.unk_policy == "replace")

    def _stream(self, prompt: str, params: DecodingParams, should_replace_unk: bool):
        prompt_tokens, source_ids = self._encode_prompt(prompt)
        prompt_ids = self.tokenizer.target_ids(prompt_tokens)
        tokens, text = [], ""
        for ids, weights in self.stepwise_search.stream(source_ids, prompt_ids, params):
            new_tokens = self.tokenizer.target.vocabulary.tokens(ids)
            if should_replace_unk and weights.size:
                new_tokens = replace_unk(new_tokens, ids, weights, prompt_tokens, source_ids)
            tokens += new_tokens
            previous_text, text = text, self.tokenizer.target.detokenize(tokens)
            yield text[len(previous_text) :]

    def score(
        self,
        prompts: Sequence[str],
        replies: Sequence[str],
        decoding: DecodingConfig | None = None,
    ) -> list[float]:
        """What beam search ranks given replies by.

        Args:
            prompts: as for `reply`.
            replies: one for each prompt; what is unknown in it counts as the unknown word.
            decoding: its penalties and weights are applied, its constraints are not. By default
                the log-probability, divided as `length_penalty` says.

        Raises:
            TypeError: prompts or replies are no list of strings.
            ValueError: there are not as many replies as prompts.
        """
        check_texts("prompts", prompts)
        check_texts("replies", replies)
        if len(prompts) != len(replies):
            raise ValueError(
                f"{len(prompts)} prompts and {len(replies)} replies; expected one reply for each "
                "prompt."
            )
        params = self.decoding_params(DecodingConfig() if decoding is None else decoding)
        source = [self._encode_prompt(prompt)[1] for prompt in prompts]
        target = [self.tokenizer.target.encode(reply) for reply in replies]
        scores = np.zeros(len(target))
        for batch in bucket_by_length(target, _BATCH_SIZE):
            sides = ([ids[i] for i in batch] for ids in (source, target))
            scores[batch] = self.generator.rescore(
                *(x for s in sides for x in pad_batch(s)), params
            )
        return scores.tolist()

    def attribute(self, source_ids: Sequence[int], reply_ids: Sequence[int]) -> np.ndarray:
        """How much each word of a prompt contributes to each word of a reply.

        Args:
            source_ids: the prompt.
            reply_ids: the reply, its end included where it has one.

        Returns:
            float32[reply_time, source_time], as `Reply.contributions`.
        """
        source, reply = (tf.constant(ids, tf.int32) for ids in (source_ids, reply_ids))
        lengths = tf.size(source), tf.size(reply)
        return leave_one_out_attribution(
            self.generator, source, lengths[0], reply, lengths[1], UNK
        ).numpy()

    def _encode_prompt(self, prompt: str) -> tuple[list[str], list[int]]:
        """The words of a prompt and their ids: no more than a prompt in training could have."""
        limit = self.config.data.max_source_length
        words, ids = self.tokenizer.source.encode_with_tokens(prompt, limit)
        if len(words) > limit:
            log.warning("the prompt has %d words; only the first %d are read.", len(words), limit)
        return words[:limit], ids[:limit]

    def _generate_batch(
        self, encoded, decoding: DecodingConfig, params: DecodingParams
    ) -> list[list[Reply]]:
        """The replies to one batch of prompts, each its words and their ids."""
        prompt_target_ids = [self.tokenizer.target_ids(words) for words, _ in encoded]
        search = self.generator.methods[decoding.method]
        found = search(
            *pad_batch([ids for _, ids in encoded]), pad_batch(prompt_target_ids, -1)[0], params
        )
        rows = list(zip(*(tensor.numpy() for tensor in found)))
        replies = []
        for number, (words, ids) in enumerate(encoded):
            own = rows[
                number * decoding.num_return_sequences : (number + 1)
                * decoding.num_return_sequences
            ]
            hypotheses = [Hypotheses(*row) for row in own if row[1] > 0]
            if decoding.method == "beam":
                hypotheses = deduplicate(hypotheses)
            replace = decoding.unk_policy == "replace"
            replies.append([self._to_reply(words, ids, found, replace) for found in hypotheses])
        return replies

    def decoding_params(self, decoding: DecodingConfig) -> DecodingParams:
        """What a config says, as the tensors and ids that `search` takes.

        Raises:
            TypeError: it is no config of decoding.
            ValueError: a forbidden word or the prefix is none that this model can say.
        """
        if not isinstance(decoding, DecodingConfig):
            raise TypeError(
                f"decoding is {decoding!r}; expected a DecodingConfig, as in "
                'DecodingConfig(method="beam").'
            )
        vocabulary = self.tokenizer.target.vocabulary
        forbidden = [PAD, BOS, TURN] + [UNK] * (decoding.unk_policy == "forbid")
        for word in decoding.suppress_tokens:
            ids = vocabulary.ids(self.tokenizer.target.tokenize(word))
            if len(ids) != 1:
                raise ValueError(
                    f"suppress_tokens: {word!r} is {len(ids)} words to this model "
                    f"({' '.join(self.tokenizer.target.tokenize(word))}); forbid one of them."
                )
            forbidden += [i for i in ids if i != UNK]
        prefix_words = self.tokenizer.target.tokenize(decoding.target_prefix)
        prefix = vocabulary.ids(prefix_words)
        if UNK in prefix:
            raise ValueError(
                f"target_prefix: {prefix_words[prefix.index(UNK)]!r} is no word of this model's "
                "vocabulary, so no reply can begin with it. Choose another."
            )
        # As long as in training, and then its end, which is no word of it.
        max_length = decoding.max_length or self.config.data.max_target_length + 1
        return DecodingParams.from_config(decoding, max_length, forbidden, prefix)

    def _to_reply(
        self, prompt_tokens, source_ids, hypothesis: Hypotheses, replace_unknown: bool
    ) -> Reply:
        ids = hypothesis.ids[: hypothesis.lengths].tolist()
        finished = ids[-1] == EOS
        weights = hypothesis.attention_weights[: hypothesis.lengths, : len(source_ids)]
        tokens = self.tokenizer.target.vocabulary.tokens(ids[:-1] if finished else ids)
        if replace_unknown and weights.size:
            tokens = replace_unk(tokens, ids, weights, prompt_tokens, source_ids)
        return Reply(
            text=self.tokenizer.target.detokenize(tokens),
            tokens=tokens,
            prompt_tokens=prompt_tokens,
            log_prob=float(hypothesis.token_log_probs.sum()),
            score=float(hypothesis.scores),
            attention_weights=weights,
            finished=finished,
            _measure=Measurement(self.attribute, source_ids, ids),
        )
