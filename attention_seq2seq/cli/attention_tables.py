"""Attention weights and contributions of the words of a reply, as tables and as plots."""

import shutil

from attention_seq2seq.cli.paths import require_image_path


def format_attention(reply, path: str | None = None) -> str:
    """Formats the attention weights and contributions of a reply, as wide as the terminal.

    Args:
        reply: the `Reply`.
        path: image file for a plot of the tables.
    """
    from attention_seq2seq.utils.text_tables import render_tables

    width = shutil.get_terminal_size().columns
    tables = render_tables(reply.word_row_labels, reply.prompt_words, _tables(reply), width)
    return f"{tables}\n{save_attention_plot(reply, path)}" if path else tables


def save_attention_plot(reply, path: str) -> str:
    """Plots the tables of a reply, and returns a line with the path of the image."""
    from attention_seq2seq.utils.plotting import save_heatmaps

    require_image_path(path)
    save_heatmaps(path, reply.word_row_labels, reply.prompt_words, _tables(reply))
    return f"\nPlot: {path}"


def _tables(reply) -> dict:
    tables = {"contribution": reply.word_contributions}
    if reply.attention_weights.size:
        tables = {"attention weights": reply.word_attention_weights, **tables}
    return tables
