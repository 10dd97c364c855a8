"""Creates the recurrent cell named by the config, and stacks cells."""

from collections.abc import Sequence

from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.cells.gru import GRUCell
from attention_seq2seq.models.cells.lstm import LSTMCell
from attention_seq2seq.models.cells.recurrent import RecurrentCell

_CELLS = {"lstm": LSTMCell, "gru": GRUCell}


def make_cell(
    config: ModelConfig, units: int, input_size: int, layer_index: int = 0, prefix: str = ""
) -> RecurrentCell:
    """Creates one recurrent cell.

    Args:
        config: the options of the model.
        units: width of the state.
        input_size: width of the inputs.
        layer_index: index of the layer, from 0, which is part of the name of the cell.
        prefix: prefix of the name of the cell.
    """
    name = f"{prefix}{config.cell}" + (f"_{layer_index + 1}" if layer_index else "")
    return _CELLS[config.cell](units, input_size, name)


class StackedRNNCells(keras.layers.Layer):
    """Stacks cells into one cell. Each cell reads the output of the cell below.

    Args:
        cells: the cells, lowest first.
    """

    def __init__(self, cells: Sequence[RecurrentCell]):
        super().__init__()
        self.built = True
        self.cells = cells
        self.output_size = cells[-1].units
        self.state_size = tuple(tuple(cell.state_size) for cell in cells)

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Returns states of zeros for `AttentionWrapper`."""
        return tuple(cell.zero_state(batch_size) for cell in self.cells)

    def call(self, inputs, states):
        """Computes one step.

        Args:
            inputs: float32[batch, input_size], inputs of the first cell.
            states: the state of each cell.

        Returns:
            The output of the last cell float32[batch, units], and the next state of each cell.
        """
        next_states = []
        for cell, state in zip(self.cells, states):
            inputs, state = cell(inputs, state)
            next_states.append(tuple(state))
        return inputs, tuple(next_states)
