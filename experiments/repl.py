"""Interactive chat with a model, and its slash commands."""

import dataclasses
import difflib
import inspect
import os
import random
from pathlib import Path

import common
import config_flags
from attention_seq2seq.chat import Chat, Reply
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.utils.files import shell_quote, write_text

OPTION_NAMES = [field.name for field in dataclasses.fields(DecodingConfig)]
HELP = """\
/attention [FILE.png]   attention weights and contributions of the last reply
/nbest [N]              the N best replies to the last prompt, by default 5
/greedy                 use greedy search
/beam [WIDTH]           use beam search
/sample [T]             use sampling with temperature T
/context N              include N earlier turns in each prompt
/set NAME VALUE         set a decoding option
/show                   show all options; * marks changed ones
/reset                  clear the conversation and restore all options
/save NAME              save the conversation to NAME.tsv, the options to NAME.flags
/help                   show this help
Ctrl-C cancels a line, Ctrl-D leaves."""


class ChatRepl:
    """A chat with a history of turns and with changeable options.

    Args:
        chat: the model.
        decoding: initial decoding options.
        context_turns: number of earlier turns in each prompt.
        has_random_seed: whether each reply has a random sampling seed, until a seed is set.
    """

    def __init__(
        self,
        chat: Chat,
        decoding: DecodingConfig,
        context_turns: int,
        has_random_seed: bool = False,
    ):
        self.chat = chat
        self.initial_decoding, self.initial_has_random_seed = decoding, has_random_seed
        self.initial_context_turns = self._check_context_turns(context_turns)
        self.commands = {
            "attention": self._attention,
            "nbest": self._nbest,
            "greedy": self._greedy,
            "beam": self._beam,
            "sample": self._sample,
            "context": self._context,
            "set": self._set,
            "show": self._show,
            "reset": self._reset,
            "save": self._save,
            "help": self._help,
        }
        self._reset()

    def answer(self, line: str) -> str:
        """Returns the reply to a prompt, or the output of a command.

        Raises:
            ValueError: A command is invalid.
            OSError: A file cannot be written.
        """
        if not line.startswith("/"):
            return self._reply(line).text
        name, *arguments = line[1:].split() or [""]
        if name not in self.commands:
            raise ValueError(
                f"/{name} is no command{_suggest(name, self.commands, '/')}. /help lists them."
            )
        command = self.commands[name]
        try:
            inspect.signature(command).bind(*arguments)
        except TypeError:
            usage = next(line for line in HELP.splitlines() if line.startswith(f"/{name}"))
            usage, _, meaning = usage.partition("  ")
            raise ValueError(f"got {line!r}; expected {usage}: {meaning.strip()}.") from None
        return command(*arguments)

    def complete(self, text: str) -> list[str]:
        """Returns the completions of a line: commands, or options of /set."""
        head, space, tail = text.rpartition(" ")
        if space:
            return [f"{head} {n}" for n in OPTION_NAMES if n.startswith(tail) and head == "/set"]
        return [f"/{name}" for name in self.commands if f"/{name}".startswith(text)]

    def warm_up(self) -> None:
        """Generates a reply, because the first call of a decoding method traces for seconds."""
        self.chat.reply([""], self.decoding)

    def _reply(self, line: str) -> Reply:
        self.prompt = "\n".join([*self._previous_turns(), line])
        self.last_reply = self.chat.reply([self.prompt], self._with_request_seed(self.decoding))[0]
        self.turns += [line, self.last_reply.text]
        return self.last_reply

    def _with_request_seed(self, decoding: DecodingConfig) -> DecodingConfig:
        if not self.has_random_seed:
            return decoding
        return dataclasses.replace(decoding, sampling_seed=random.randrange(2**31))

    def _previous_turns(self) -> list[str]:
        if not self.context_turns:
            return []
        return self.turns[max(len(self.turns) - self.context_turns, 0) :]

    def _attention(self, picture: str | None = None) -> str:
        if self.last_reply is None:
            raise ValueError("there is no reply yet; enter a prompt first.")
        path = picture and os.path.expanduser(picture)  # noqa: PTH111
        return common.format_attention(self.last_reply, path)

    def _nbest(self, size: str = "5") -> str:
        if self.last_reply is None:
            raise ValueError("there is no reply yet; enter a prompt first.")
        count = _parse_number(int, size, "the number of replies")
        method = "sample" if self.decoding.method == "sample" else "beam"
        width = max(count, self.decoding.beam_width)
        decoding = dataclasses.replace(
            self.decoding,
            method=method,
            num_return_sequences=count,
            beam_width=-(-width // self.decoding.num_beam_groups) * self.decoding.num_beam_groups,
        )
        replies = self.chat.generate([self.prompt], self._with_request_seed(decoding))[0]
        return "\n".join(f"{reply.score:8.2f}  {reply.text}" for reply in replies)

    def _greedy(self) -> str:
        return self._update(method="greedy", num_return_sequences=1)

    def _beam(self, width: str | None = None) -> str:
        beam_width = (
            self.decoding.beam_width if width is None else _parse_number(int, width, "the width")
        )
        groups = (
            self.decoding.num_beam_groups if beam_width % self.decoding.num_beam_groups == 0 else 1
        )
        return self._update(
            method="beam", beam_width=beam_width, num_beam_groups=groups, num_return_sequences=1
        )

    def _sample(self, temperature: str | None = None) -> str:
        if temperature is None:
            return self._update(method="sample")
        return self._update(
            method="sample", temperature=_parse_number(float, temperature, "the temperature")
        )

    def _context(self, turns: str) -> str:
        self.context_turns = self._check_context_turns(
            _parse_number(int, turns, "the number of turns")
        )
        return f"prompts include {self.context_turns} earlier turns."

    def _set(self, name: str, *value: str) -> str:
        if name not in OPTION_NAMES:
            raise ValueError(
                f"{name} is no option{_suggest(name, OPTION_NAMES)}. /show lists them."
            )
        text = " ".join(value)
        value_type = type(getattr(self.decoding, name))
        if value_type is tuple:
            return self._update(**{name: tuple(text.split())})
        return self._update(
            **{name: text if value_type is str else _parse_number(value_type, text, name)}
        )

    def _show(self) -> str:
        lines = []
        for name in OPTION_NAMES:
            value = getattr(self.decoding, name)
            star = "*" if value != getattr(DecodingConfig(), name) else " "
            formatted = " ".join(value) if isinstance(value, tuple) else value
            if name == "sampling_seed" and self.has_random_seed:
                formatted = "random for each reply"
            lines.append(f"{star} {name:28}{formatted}")
        return "\n".join([*lines, f"  context: {self.context_turns} turns"])

    def _reset(self) -> str:
        self.decoding, self.context_turns = self.initial_decoding, self.initial_context_turns
        self.has_random_seed = self.initial_has_random_seed
        self.turns, self.prompt, self.last_reply = [], "", None
        return "conversation cleared, options restored."

    def _save(self, name: str) -> str:
        name = os.path.expanduser(name)  # noqa: PTH111
        talk_path, options_path = Path(f"{name}.tsv"), Path(f"{name}.flags")
        for path in (talk_path, options_path):
            if path.exists():
                raise ValueError(f"{path} exists; remove it, or choose another name.")
        lines = [
            "\t".join(side.replace("\t", " ") for side in pair)
            for pair in zip(self.turns[::2], self.turns[1::2])
        ]
        write_text(talk_path, "".join(f"{line}\n" for line in lines))
        write_text(options_path, _to_flags(self.decoding))
        options_flag = f"--flagfile={shell_quote(options_path)}"
        return f"the conversation: {talk_path}\nthe options: {options_path}, for {options_flag}"

    def _help(self) -> str:
        return HELP

    def _update(self, **values) -> str:
        changed = dataclasses.replace(self.decoding, **values)
        # Options may be invalid for the vocabulary, and the first call of a decoding method traces
        # for seconds.
        self.chat.reply([""], changed)
        self.decoding = changed
        self.has_random_seed &= "sampling_seed" not in values
        return ", ".join(f"{name} {getattr(self.decoding, name)}" for name in values)

    def _check_context_turns(self, turns: int) -> int:
        trained = self.chat.config.text.context_turns
        if not 0 <= turns <= trained:
            allowed = f"ask for 0 to {trained}" if trained else "only 0 is possible with it"
            raise ValueError(
                f"{turns} turns of context, but this model was trained with {trained}: "
                f"{allowed}; a model of more is trained with --context_turns."
            )
        return turns


def _parse_number(value_type: type, text: str, description: str):
    try:
        return value_type(text)
    except ValueError:
        raise ValueError(f"{description} is {text!r}; expected a number.") from None


def _suggest(name: str, names, prefix: str = "") -> str:
    matches = difflib.get_close_matches(name, names, 1)
    return f" (did you mean {prefix}{matches[0]}?)" if matches else ""


def _to_flags(decoding: DecodingConfig) -> str:
    """Returns the non-default options as flags."""
    lines = []
    for name in OPTION_NAMES:
        value = getattr(decoding, name)
        if value != getattr(DecodingConfig(), name):
            formatted = config_flags.format_list(value) if isinstance(value, tuple) else value
            lines.append(f"--{name}={formatted}\n")
    return "".join(lines)
