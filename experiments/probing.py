"""Replies to some prompts, always the same, while a model is trained."""

from collections.abc import Iterable, Sequence

import console
from attention_seq2seq.chat import Chat
from attention_seq2seq.training.validation import Probe, Probing

NUM_PROMPTS = 16


def first_prompts(pairs: Iterable[Sequence]) -> list[str]:
    """Some prompts, each once, in the order of the pairs."""
    prompts = {}
    for prompt, *_ in pairs:
        prompts[prompt] = None
        if len(prompts) == NUM_PROMPTS:
            break
    return list(prompts)


def read_prompts(path: str) -> list[str]:
    """The lines of a file.

    Raises:
        ValueError: it cannot be read, or has no line.
    """
    with console.prompts_of(path) as lines:
        prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise ValueError(f"--probe_prompts={path}: no prompt in it; expected one a line.")
    return prompts


class ProbePrompts:
    """What `train` takes as `probing`: answers prompts, greedily.

    Args:
        prompts: the prompts; of those that are too long for a model none is asked.
    """

    def __init__(self, prompts: Sequence[str]):
        self.prompts = prompts

    def __call__(self, model, tokenizer, config) -> Probing:
        """See `Prober`."""
        chat = Chat(tokenizer, model, config)
        # What is too long is cut in answering, with a warning each time.
        limit = config.data.max_source_length
        short = [
            prompt for prompt in self.prompts if len(tokenizer.source.tokenize(prompt)) <= limit
        ]
        if not short:
            raise ValueError(
                f"all {len(self.prompts)} probe prompts have more than max_source_length {limit} "
                "words. Give shorter ones in --probe_prompts."
            )

        def probes() -> list[Probe]:
            return [
                Probe(r.prompt_tokens, r.tokens, r.text, r.attention_weights, r.rows)
                for r in chat.reply(short)
            ]

        return probes
