"""The cell that a model's options ask for, and several of them as one."""

from collections.abc import Sequence

from tensorflow import keras

from attention_seq2seq.config.config import ModelConfig
from attention_seq2seq.models.cells.gru import GRUCell
from attention_seq2seq.models.cells.lstm import LSTMCell
from attention_seq2seq.models.cells.recurrent import RecurrentCell

_CELLS = {"lstm": LSTMCell, "gru": GRUCell}


def make_cell(
    config: ModelConfig, units: int, inputs_size: int, number: int = 0, way: str = ""
) -> RecurrentCell:
    """A cell.

    Args:
        config: says which kind.
        units: width of its state.
        inputs_size: width of its inputs.
        number: of its layer, the first being 0.
        way: what its name begins with.
    """
    name = f"{way}{config.cell}" + (f"_{number + 1}" if number else "")
    return _CELLS[config.cell](units, inputs_size, name)


class StackedRNNCells(keras.layers.Layer):
    """Cells one above the other, as one cell.

    Args:
        cells: the lowest first.
    """

    def __init__(self, cells: Sequence[RecurrentCell]):
        super().__init__()
        self.cells = cells
        self.output_size = cells[-1].units
        self.state_size = tuple(tuple(cell.state_size) for cell in cells)

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Zeros; `AttentionWrapper` asks for it."""
        return tuple(cell.zero_state(batch_size) for cell in self.cells)

    def call(self, inputs, states):
        """One step: float32[batch, width] and the state of each cell to the same."""
        after = []
        for cell, state in zip(self.cells, states):
            inputs, state = cell(inputs, state)
            after.append(tuple(state))
        return inputs, tuple(after)
