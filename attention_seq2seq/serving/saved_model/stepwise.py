"""Step-by-step decoding with a stateless server: the client passes the state on."""

import dataclasses

import tensorflow as tf

from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.stepwise import StepwiseGreedySearch
from attention_seq2seq.serving.saved_model.checks import GraphCheck, assert_all
from attention_seq2seq.serving.saved_model.outputs import prompt_outputs
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import BOS, EOS, SPECIALS


@dataclasses.dataclass(frozen=True)
class StepwiseDecoder:
    """Wraps step-by-step greedy search into the signatures `encode` and `decode_step`.

    Args:
        search: step-by-step greedy search with the model.
        tokenizer: the tokenizer of the model.
        params: the exported decoding parameters.
        limits: the limits of the export.
    """

    search: StepwiseGreedySearch
    tokenizer: InGraphTokenizer
    params: DecodingParams
    limits: ServingLimits

    def encode(self, prompts: EncodedPrompts) -> dict:
        """Returns the initial state, and the ids for the first step."""
        state = self.search.initial_state(prompts.ids, prompts.length, prompts.target_ids)
        ids = tf.fill([tf.shape(prompts.ids)[0]], BOS)
        return {**state, "ids": ids, **prompt_outputs(prompts)}

    def decode_step(self, ids: tf.Tensor, state: dict[str, tf.Tensor]) -> dict:
        """Decodes one token.

        Args:
            ids: int32[batch], the previous tokens.
            state: the previous state.

        Returns:
            The next state and the outputs of the signature.
        """
        ids, state = self._validate(ids, state)
        output = self.search.step(ids, state, self.params.pack())
        finished = output.ids == EOS
        tokens = self.tokenizer.target_vocabulary.tokens(output.ids)
        outputs = {
            **output.state,
            "ids": output.ids,
            "tokens": tf.where(finished, SPECIALS[EOS], tokens),
            "finished": finished,
            "log_probs": output.log_probs,
        }
        if self.search.model.has_attention:
            outputs["attention_weights"] = output.attention_weights
        return outputs

    def _validate(self, ids, state):
        num_rows = tf.stack([tf.shape(tensor)[0] for tensor in state.values()])
        checks = [
            GraphCheck(
                tf.size(ids) <= self.limits.max_hypotheses,
                f"The call has {{}} rows; the limit is {self.limits.max_hypotheses} "
                "(max_hypotheses). Send fewer rows.",
                (tf.size(ids),),
            ),
            self._id_check("ids", ids),
            GraphCheck(
                tf.reduce_all(num_rows == tf.size(ids)),
                "ids has {} rows and the state {}; expected equal numbers.",
                (tf.size(ids), num_rows),
            ),
            self._id_check("sequences", state["sequences"]),
            self._id_check("prompt_target_ids", state["prompt_target_ids"], lowest=-1),
        ]
        if self.search.model.has_attention:
            times = [tf.shape(x)[1] for name, x in state.items() if name.startswith("memory_")]
            times = tf.stack(times)
            checks.append(
                GraphCheck(
                    tf.reduce_all(times == times[0]) & (times[0] > 0),
                    "memory_ tensors have source lengths {}; expected one common length of at "
                    "least 1.",
                    (times,),
                )
            )
        ids, *tensors = assert_all(checks, ids, *state.values())
        return ids, dict(zip(state, tensors))

    def _id_check(self, name: str, ids: tf.Tensor, lowest: int = 0) -> GraphCheck:
        highest = self.search.model.vocabulary_size - 1
        return GraphCheck(
            tf.reduce_all((ids >= lowest) & (ids <= highest)),
            f"{name} is {{}}; expected token ids, {lowest} to {highest}.",
            (ids,),
        )
