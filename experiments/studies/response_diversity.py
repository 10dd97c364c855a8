r"""Measures diversity and relevance of replies by decoding method.

    python -m experiments.studies.response_diversity --model_dir=models/chat \
        --config=mmi

The prompts are sampled from the validation pairs of the model. Distinct-1 and -2: fraction of
distinct tokens and bigrams in all replies. Most common: fraction of prompts with the most common
reply. Overlap: fraction of bigrams that occur in the prompt too. Rank: mean rank of the true reply
among itself and nine replies to other prompts, by the score of the decoding method; 1 is best, 5.5
is chance.
"""

import dataclasses
import random

from absl import flags

import console
from attention_seq2seq.cli import corpora
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.config.decoding import DecodingConfig
from experiments.result_files import command_line_flags, define_results_flag, update_results

MODEL_DIR = cli_flags.define_path(
    "model_dir", None, "directory of a trained model [path]", required=True
)
NUM_PROMPTS = flags.DEFINE_integer("num_prompts", 1000, "number of prompts", lower_bound=30)
NUM_SHOWN = flags.DEFINE_integer(
    "num_shown", 20, "number of printed replies of each method", lower_bound=0
)
SEED = flags.DEFINE_integer("seed", 1, "seed of prompts, distractors and printed replies")
METHODS = flags.DEFINE_list(
    "methods",
    ["greedy", "beam", "top-p"],
    "decoding methods in addition to the method of the decoding flags",
)
RESULTS_JSON = define_results_flag()
cli_flags.define_option_flags(DecodingConfig)

DECODING_METHODS = {
    "greedy": DecodingConfig(),
    "beam": DecodingConfig(method="beam"),
    "top-p": DecodingConfig(method="sample", top_p=0.9),
}
NUM_DISTRACTORS = 9


def main(_) -> None:
    """Prints the metrics of all methods, then their replies to the same prompts."""
    flag_decoding = cli_flags.options_from_flags(DecodingConfig)
    methods = {name: decoding_method(name) for name in METHODS.value}
    if flag_decoding not in methods.values():
        methods["as the flags say"] = flag_decoding

    from attention_seq2seq.chat import Chat
    from experiments.studies.study_metrics import mean_rank

    chat = Chat.load(MODEL_DIR.value)
    pairs = sample_validation_pairs(chat)
    distractors = sample_distractors(pairs)
    prompts = [pair.prompt for pair in pairs]
    prompt_tokens = [chat.tokenizer.source.tokenize(prompt) for prompt in prompts]
    print(f"{len(pairs)} held-out prompts\n")
    print(
        f"{'':24}{'distinct-1':>11}{'distinct-2':>11}{'most common':>13}{'overlap':>9}{'rank':>7}"
    )
    replies_by_method, rows = {}, []
    option_names = {"config", *(field.name for field in dataclasses.fields(DecodingConfig))}
    for name, decoding in methods.items():
        replies_by_method[name] = chat.reply(prompts, decoding)
        rank = mean_rank(chat, pairs, distractors, scoring_config(decoding))
        reply_tokens = [reply.tokens for reply in replies_by_method[name]]
        rows.append(print_row(name, prompt_tokens, reply_tokens, rank))
        rows[-1] |= {"source": "model"}
        if name not in METHODS.value:
            rows[-1]["decoding"] = command_line_flags(option_names)
    references = [chat.tokenizer.target.tokenize(pair.reply) for pair in pairs]
    rows.append(print_row("the true replies", prompt_tokens, references, None))
    rows[-1] |= {"source": "corpus"}
    update_results(RESULTS_JSON.value, rows, key=("prompts", "decoding"))
    for index in random.Random(SEED.value).sample(
        range(len(pairs)), min(NUM_SHOWN.value, len(pairs))
    ):
        print(f"\n{prompts[index]}  [true: {pairs[index].reply}]")
        for name, replies in replies_by_method.items():
            print(f"  {name:24}{replies[index].text}")


def decoding_method(name: str) -> DecodingConfig:
    """Returns a decoding method by its name in --methods."""
    if name not in DECODING_METHODS:
        raise ValueError(
            f"--methods={name}: unknown method; expected some of {', '.join(DECODING_METHODS)}."
        )
    return DECODING_METHODS[name]


def print_row(name, prompts, replies, rank) -> dict:
    """Prints and returns the metrics of a method."""
    from attention_seq2seq.evaluation.metrics import (
        count_prompt_bigrams,
        distinct_n,
        most_common_ratio,
    )

    num_overlapping, num_bigrams = map(sum, zip(*map(count_prompt_bigrams, prompts, replies)))
    row = {
        "prompts": len(prompts),
        "decoding": name,
        "distinct_1": distinct_n(replies, 1),
        "distinct_2": distinct_n(replies, 2),
        "most_common_ratio": most_common_ratio(replies),
        "prompt_bigram_overlap": num_overlapping / num_bigrams,
        "rank": rank,
    }
    rank_text = "" if rank is None else f"{rank:.2f}"
    print(
        f"{name:24}{row['distinct_1']:>11.3f}{row['distinct_2']:>11.3f}"
        f"{row['most_common_ratio']:>13.1%}{row['prompt_bigram_overlap']:>9.1%}{rank_text:>7}"
    )
    return row


def sample_validation_pairs(chat) -> list:
    """Samples validation pairs whose prompts are distinct, short and not trained on."""
    corpus, limit = corpora.load_training_corpus(chat.config), chat.config.data.max_source_length
    training_prompts = {pair.prompt for pair in corpus.training}
    pairs = {
        pair.prompt: pair
        for pair in corpus.validation
        if pair.prompt not in training_prompts
        and len(chat.tokenizer.source.tokenize(pair.prompt)) <= limit
    }
    if len(pairs) < NUM_PROMPTS.value:
        raise ValueError(
            f"{len(pairs)} validation prompts of {MODEL_DIR.value}; --num_prompts asks for "
            f"{NUM_PROMPTS.value}; give --num_prompts={len(pairs)} or fewer."
        )
    return random.Random(SEED.value).sample(list(pairs.values()), NUM_PROMPTS.value)


def sample_distractors(pairs) -> list[list[str]]:
    """Samples nine replies to other prompts for each pair, all different from its own."""
    rng, distractors = random.Random(SEED.value), []
    for pair in pairs:
        replies = [candidate.reply for candidate in rng.sample(pairs, 3 * NUM_DISTRACTORS)]
        distractors.append([reply for reply in replies if reply != pair.reply][:NUM_DISTRACTORS])
    return distractors


def scoring_config(decoding: DecodingConfig) -> DecodingConfig:
    """Returns the config for scoring: only beam search has a length penalty."""
    if decoding.method == "beam":
        return decoding
    return dataclasses.replace(decoding, length_penalty=0.0)


if __name__ == "__main__":
    console.run_main(main)
