"""Interactive chat with prompts and slash commands."""

import dataclasses
import difflib
import inspect
import os
import random
import sys
from pathlib import Path

from absl import flags

from attention_seq2seq.chat import Chat, Reply
from attention_seq2seq.cli.attention_tables import format_attention
from attention_seq2seq.cli.flags import format_list
from attention_seq2seq.cli.logs import wrap_for_terminal
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.utils.files import shell_quote, write_text

OPTION_NAMES = [field.name for field in dataclasses.fields(DecodingConfig)]
HELP = """\
/attention [FILE.png]   show which words of the prompt the last reply came from
/nbest [N]              show the N best replies to the last prompt; default 5
/greedy                 use greedy search
/beam [WIDTH]           use beam search, with WIDTH hypotheses
/sample [T]             use sampling, at temperature T
/context N              prepend the N previous turns to each prompt
/set NAME VALUE         set a decoding option
/show                   show all decoding options; * marks changed ones
/reset                  clear the conversation and restore the initial options
/save NAME              save the conversation in NAME.tsv, options in NAME.flags
/help                   show this list
/exit                   exit, as do /quit and Ctrl-D
Ctrl-C cancels a line, Ctrl-D exits."""


class ChatRepl:
    """Interactive chat: conversation state, decoding options and slash commands.

    Args:
        chat: the model.
        decoding: the initial options.
        context_turns: number of previous turns that are prepended to each prompt.
        has_random_seed: whether each reply is sampled with a new random seed, until the user
            sets `sampling_seed`.
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
            "exit": self._exit,
        }
        self._reset()

    def answer(self, line: str) -> str:
        """Returns the reply to a prompt, or the output of a command.

        Raises:
            ValueError: there is no such command, or its arguments are invalid.
            OSError: a file cannot be written.
            EOFError: the command is /exit or /quit.
        """
        if not line.startswith("/"):
            return self._reply(line).text
        name, *arguments = line[1:].split() or [""]
        name = {"quit": "exit"}.get(name, name)
        if name not in self.commands:
            raise ValueError(
                f"/{name}: unknown command{_suggest(name, self.commands, '/')}. /help lists all."
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
        """Returns the completions of a line: commands, or option names after /set."""
        head, space, tail = text.rpartition(" ")
        if space:
            return [f"{head} {n}" for n in OPTION_NAMES if n.startswith(tail) and head == "/set"]
        return [f"/{name}" for name in self.commands if f"/{name}".startswith(text)]

    def warm_up(self) -> None:
        """Replies to an empty prompt. The first reply with a decoding method takes seconds."""
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

    def _attention(self, image_path: str | None = None) -> str:
        if self.last_reply is None:
            raise ValueError("There is no reply yet. Type a prompt first.")
        path = image_path and os.path.expanduser(image_path)  # noqa: PTH111
        return format_attention(self.last_reply, path)

    def _nbest(self, size: str = "5") -> str:
        if self.last_reply is None:
            raise ValueError("There is no reply yet. Type a prompt first.")
        count = _parse_number(int, size, "N")
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
            self.decoding.beam_width if width is None else _parse_number(int, width, "WIDTH")
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
        return self._update(method="sample", temperature=_parse_number(float, temperature, "T"))

    def _context(self, turns: str) -> str:
        self.context_turns = self._check_context_turns(_parse_number(int, turns, "N"))
        return f"{self.context_turns} previous turns are prepended to each prompt."

    def _set(self, name: str, *value: str) -> str:
        if name not in OPTION_NAMES:
            raise ValueError(
                f"{name}: unknown option{_suggest(name, OPTION_NAMES)}. /show lists all."
            )
        text = " ".join(value)
        value_type = type(getattr(self.decoding, name))
        if value_type is tuple:
            return self._update(**{name: tuple(flags.ListParser().parse(text))})
        return self._update(
            **{name: text if value_type is str else _parse_number(value_type, text, name)}
        )

    def _show(self) -> str:
        lines = []
        for name in OPTION_NAMES:
            value = getattr(self.decoding, name)
            star = "*" if value != getattr(DecodingConfig(), name) else " "
            formatted = format_list(value) if isinstance(value, tuple) else value
            if name == "sampling_seed" and self.has_random_seed:
                formatted = "random"
            lines.append(f"{star} {name:28}{formatted}")
        return "\n".join([*lines, f"  context: {self.context_turns} turns"])

    def _reset(self) -> str:
        self.decoding, self.context_turns = self.initial_decoding, self.initial_context_turns
        self.has_random_seed = self.initial_has_random_seed
        self.turns, self.prompt, self.last_reply = [], "", None
        return "The conversation and the options are reset."

    def _save(self, name: str) -> str:
        name = os.path.expanduser(name)  # noqa: PTH111
        turns_path, options_path = Path(f"{name}.tsv"), Path(f"{name}.flags")
        for path in (turns_path, options_path):
            if path.exists():
                raise ValueError(f"{path} exists. Remove it, or choose another name.")
        lines = [
            "\t".join(side.replace("\t", " ") for side in pair)
            for pair in zip(self.turns[::2], self.turns[1::2])
        ]
        write_text(turns_path, "".join(f"{line}\n" for line in lines))
        write_text(options_path, _to_flags(self.decoding))
        options_flag = f"--flagfile={shell_quote(options_path)}"
        return f"conversation: {turns_path}\noptions: {options_path}, for {options_flag}"

    def _help(self) -> str:
        return HELP

    def _exit(self) -> str:
        raise EOFError

    def _update(self, **values) -> str:
        changed = dataclasses.replace(self.decoding, **values)
        # Raises if a token is not in the vocabulary, and traces the graph, which takes seconds.
        self.chat.reply([""], changed)
        self.decoding = changed
        self.has_random_seed &= "sampling_seed" not in values
        return ", ".join(f"{name} {getattr(self.decoding, name)}" for name in values)

    def _check_context_turns(self, turns: int) -> int:
        trained = self.chat.config.text.context_turns
        if not 0 <= turns <= trained:
            raise ValueError(
                f"context_turns is {turns}, but the model was trained with {trained}. Use at most "
                f"{trained}, or train a model with a larger context_turns."
            )
        return turns


def _parse_number(value_type: type, text: str, name: str):
    try:
        return value_type(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}; expected a number.") from None


def _suggest(name: str, names, prefix: str = "") -> str:
    matches = difflib.get_close_matches(name, names, 1)
    return f" (did you mean {prefix}{matches[0]}?)" if matches else ""


def _to_flags(decoding: DecodingConfig) -> str:
    """Formats the options that differ from their defaults as flags, one per line."""
    lines = []
    for name in OPTION_NAMES:
        value = getattr(decoding, name)
        if value != getattr(DecodingConfig(), name):
            formatted = format_list(value) if isinstance(value, tuple) else value
            lines.append(f"--{name}={formatted}\n")
    return "".join(lines)


def _enable_line_editing(repl: ChatRepl) -> None:
    try:
        import readline
    except ImportError:
        # On Windows, the terminal itself edits lines.
        return
    readline.set_completer_delims("")
    readline.set_completer(lambda text, index: [*repl.complete(text), None][index])
    readline.parse_and_bind("tab: complete")


def run_repl(repl: ChatRepl) -> None:
    """Runs an interactive chat with line editing, history and completion."""
    _enable_line_editing(repl)
    repl.warm_up()
    print("/help lists the commands, Ctrl-D exits.")
    while True:
        try:
            line = input("> ").strip()
            if any("\udc80" <= character <= "\udcff" for character in line):
                raise ValueError("This line is not UTF-8. Set the terminal to UTF-8.")
            if line:
                print(repl.answer(line))
        except KeyboardInterrupt:
            print()
        except EOFError:
            print()
            return
        except (ValueError, OSError) as error:
            print(wrap_for_terminal(f"Error: {error}", sys.stdout))
