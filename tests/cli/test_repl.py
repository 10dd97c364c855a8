"""Chat on a terminal, and its commands."""

import time

import pexpect
import pytest

from attention_seq2seq.cli.repl import OPTION_NAMES, ChatRepl, run_repl
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.text.vocabulary import TURN
from helpers.scripts import spawn_on_terminal

QUESTION = "今天晚上吃什么"


@pytest.fixture
def repl(chat):
    return ChatRepl(chat, DecodingConfig(), 0)


def test_attention_command_shows_the_best_hypothesis(repl, tmp_path):
    with pytest.raises(ValueError, match="There is no reply yet"):
        repl.answer("/attention")
    repl.answer("/beam 4")
    assert repl.answer(QUESTION) == "晚上吃烤鸭吧"
    lines = repl.answer("/attention").splitlines()
    assert lines[0].split() == ["attention", "weights", "contribution"]
    assert [line.split()[0] for line in lines[2:]] == ["晚上", "吃", "烤鸭", "吧", "<eos>"]
    assert repl.answer(f"/attention {tmp_path}/a.png").endswith("a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_nbest_command_sorts_replies_by_score(repl):
    repl.answer(QUESTION)
    lines = [line.split() for line in repl.answer("/nbest 7").splitlines()]
    assert len(lines) == 7
    scores = [float(score) for score, _ in lines]
    assert scores == sorted(scores, reverse=True)
    assert lines[0][1] == "晚上吃烤鸭吧"
    assert repl.decoding == DecodingConfig(), "the options are unchanged"


def test_decoding_options_are_changed_and_reset(repl):
    assert (
        repl.answer("/beam 3")
        == "method beam, beam_width 3, num_beam_groups 1, num_return_sequences 1"
    )
    assert repl.answer("/sample 0.8") == "method sample, temperature 0.8"
    assert repl.answer("/set top_k 4") == "top_k 4"
    assert repl.answer("/set suppress_tokens 烤鸭,吧") == "suppress_tokens ('烤鸭', '吧')"
    assert "* top_k                       4" in repl.answer("/show")
    assert "  top_p                       1.0" in repl.answer("/show")
    repl.answer(QUESTION)
    repl.answer("/reset")
    assert repl.decoding == DecodingConfig()
    assert repl.turns == []
    assert "*" not in repl.answer("/show")


def test_random_seeds_give_different_samples(chat):
    repl = ChatRepl(chat, DecodingConfig(), 0, has_random_seed=True)
    repl.answer("/sample 3")
    assert len({repl.answer(QUESTION) for _ in range(6)}) > 1
    assert "sampling_seed               random" in repl.answer("/show")
    assert repl.answer("/nbest 3") != repl.answer("/nbest 3")
    repl.answer("/set sampling_seed 5")
    assert len({repl.answer(QUESTION) for _ in range(3)}) == 1
    assert repl.answer("/nbest 3") == repl.answer("/nbest 3")
    repl.answer("/reset")
    assert "random" in repl.answer("/show")


def test_fixed_seeds_give_equal_samples(chat):
    repl = ChatRepl(chat, DecodingConfig(method="sample", temperature=3.0, sampling_seed=4), 0)
    assert len({repl.answer(QUESTION) for _ in range(3)}) == 1


def test_a_tilde_is_the_home_folder(repl, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    repl.answer(QUESTION)
    assert f"--flagfile='{tmp_path}/my talk.flags'" in repl._save("~/my talk")
    repl.answer("/attention ~/a.png")
    assert {"my talk.tsv", "my talk.flags", "a.png"} <= {p.name for p in tmp_path.iterdir()}


def test_save_command_writes_conversation_and_options(repl, tmp_path):
    repl.answer(QUESTION)
    repl.answer("/set beam_width 7")
    repl.answer('/set suppress_tokens 烤 鸭,","')
    repl.answer(f"/save {tmp_path}/mine")
    assert (tmp_path / "mine.tsv").read_text(encoding="utf-8") == f"{QUESTION}\t晚上吃烤鸭吧\n"
    flags = (tmp_path / "mine.flags").read_text(encoding="utf-8")
    assert flags == '--beam_width=7\n--suppress_tokens=烤 鸭,","\n'
    with pytest.raises(ValueError, match=r"mine\.tsv exists"):
        repl.answer(f"/save {tmp_path}/mine")
    with pytest.raises(ValueError, match=r"such as picture\.png"):
        repl.answer("/attention picture")
    with pytest.raises(OSError, match="nowhere"):
        repl.answer(f"/save {tmp_path}/nowhere/mine")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/bean 5", r"/bean: unknown command \(did you mean /beam\?\)\. /help lists all\."),
        ("/", "/: unknown command"),
        ("/beam five", "WIDTH is 'five'; expected a number"),
        ("/beam 0", "beam_width is 0"),
        ("/beam 5 6", r"got '/beam 5 6'; expected /beam \[WIDTH\]"),
        ("/set", "expected /set NAME VALUE"),
        ("/set beam_wdth 4", r"beam_wdth: unknown option \(did you mean beam_width\?\)"),
        ("/set top_p 7", "top_p is 7.0; expected between 0.0 and 1.0"),
        ("/set top_k many", "top_k is 'many'; expected a number"),
        ("/sample cold", "T is 'cold'"),
        ("/context 2", "context_turns is 2, but the model was trained with 0"),
        ("/context -1", "context_turns is -1"),
        ("/set coverage_penalty inf", "coverage_penalty is inf; expected a finite number"),
        ("/set max_length 9999999999", "expected between 0 and 10000"),
        ("/set target_prefix 魑魅", "is not in the vocabulary of this model"),
        ("/set target_prefix " + "吃" * 99, "target_prefix has 99 tokens, and a reply has at most"),
        ('/set suppress_tokens "', "as a comma separated list"),
    ],
)
def test_invalid_commands_raise_and_change_no_option(repl, line, message):
    with pytest.raises(ValueError, match=message):
        repl.answer(line)
    assert repl.decoding == DecodingConfig()


def test_completion_of_commands_and_options(repl):
    assert repl.complete("/be") == ["/beam"]
    assert len(repl.complete("/")) == 12
    assert repl.complete("/set beam_") == ["/set beam_width"]
    assert sorted(repl.complete("/set num_")) == [
        "/set num_beam_groups",
        "/set num_return_sequences",
    ]
    assert len(repl.complete("/set ")) == len(OPTION_NAMES)
    assert repl.complete("今天") == []


def test_exit_and_quit_end_the_chat(repl, capsys, monkeypatch):
    for command in ("/exit", "/quit"):
        with pytest.raises(EOFError):
            repl.answer(command)
    with pytest.raises(ValueError, match=r"got '/quit now'; expected /exit: exit, as do /quit"):
        repl.answer("/quit now")
    lines = iter(["/exit", QUESTION])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    run_repl(repl)
    assert next(lines) == QUESTION, "no line after /exit is read"
    assert capsys.readouterr().out == "/help lists the commands, Ctrl-D exits.\n\n"


def test_prompts_include_earlier_turns(repl, monkeypatch):
    config = repl.chat.tokenizer.config
    monkeypatch.setitem(config.__dict__, "context_turns", 3)
    repl.answer(QUESTION)
    assert repl.last_reply.prompt_tokens.count("<turn>") == 0
    assert repl.answer("/context 2") == "2 previous turns are prepended to each prompt."
    repl.answer("周末早上喝什么")
    assert repl.prompt == f"{QUESTION}\n晚上吃烤鸭吧\n周末早上喝什么"
    assert repl.chat.tokenizer.source.encode(repl.prompt).count(TURN) == 2
    repl.answer("/context 0")
    repl.answer(QUESTION)
    assert repl.prompt == QUESTION


def test_chat_on_a_terminal(meals_dir):
    terminal = spawn_on_terminal("chat", f"--model_dir={meals_dir}")
    terminal.expect("/help lists the commands, Ctrl-D exits.\r\n> ")
    assert not terminal.before.strip(), "no other output"
    terminal.sendline(QUESTION)
    terminal.expect("晚上吃烤鸭吧\r\n> ")
    terminal.send("a canceled line")
    # Readline handles Ctrl-C only while it waits for a key.
    terminal.expect_exact("canceled line")
    time.sleep(0.5)
    terminal.sendintr()
    terminal.expect("> ")
    terminal.send("/hel\t\n")
    terminal.expect("Ctrl-C cancels a line, Ctrl-D exits.\r\n> ")
    terminal.sendline("/beam nine")
    terminal.expect("Error: WIDTH is 'nine'; expected a number.\r\n> ")
    terminal.send("\x1b[A\x1b[A\x1b[A\n")
    terminal.expect("晚上吃烤鸭吧\r\n> ")
    terminal.sendline("/attention")
    terminal.expect("contribution")
    # The newline distinguishes the prompt from that of "<eos> ".
    terminal.expect("\r\n> ")
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
