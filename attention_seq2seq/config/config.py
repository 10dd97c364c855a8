"""All options of a training run, saved with the model."""

import dataclasses
import json
from pathlib import Path

from attention_seq2seq.config.artifacts import CONFIG_FILE
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.utils.files import write_json

CONFIG_FORMAT = 2


@dataclasses.dataclass(frozen=True)
class Config:
    """All options of a training run, saved as `config.json` in the model directory.

    Example:
        >>> Config(model=ModelConfig(units=8)).model.attention
        'luong'
    """

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    text: TextConfig = dataclasses.field(default_factory=TextConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            group = getattr(self, field.name)
            if not isinstance(group, field.type):
                raise TypeError(
                    f"{field.name} is {group!r}; expected a {field.type.__name__}, as in "
                    f"Config({field.name}={field.type.__name__}())."
                )
        if self.model.share_embeddings and not self.text.share_vocabulary:
            raise ValueError(
                "share_embeddings is true and share_vocabulary is false: two vocabularies cannot "
                "share an embedding. Set both to true, or share_embeddings to false."
            )
        if self.training.guided_alignment_weight and self.model.attention == "none":
            raise ValueError(
                f"guided_alignment_weight is {self.training.guided_alignment_weight} and attention "
                "is 'none': there are no attention weights to guide. Choose another attention, or "
                "set guided_alignment_weight to 0."
            )

    def save(self, model_dir: str | Path) -> None:
        """Writes `config.json` into `model_dir` atomically."""
        write_json(
            Path(model_dir) / CONFIG_FILE, {"format": CONFIG_FORMAT, **dataclasses.asdict(self)}
        )

    @classmethod
    def load(cls, model_dir: str | Path) -> "Config":
        """Reads `config.json` from a model directory.

        Raises:
            FileNotFoundError: there is no model in the directory.
            ValueError: the file is damaged or has another format.
        """
        path = Path(model_dir) / CONFIG_FILE
        if not Path(model_dir).is_dir():
            problem = " is a file" if Path(model_dir).exists() else ": no such directory"
            raise FileNotFoundError(
                f"{model_dir}{problem}. Expected the directory of a trained model."
            )
        if not path.is_file():
            raise FileNotFoundError(
                f"{model_dir} has no trained model: {CONFIG_FILE} is missing. Train a model into "
                "this directory first."
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content.pop("format")
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: not a valid configuration ({error}). Train the model again."
            ) from None
        if version != CONFIG_FORMAT:
            raise ValueError(
                f"{path}: has format {version}; expected format {CONFIG_FORMAT}. "
                "Train the model again, or use the version of this package that wrote it."
            )
        try:
            groups = {field.name: field.type for field in dataclasses.fields(cls)}
            return cls(**{name: groups[name](**values) for name, values in content.items()})
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: has an unknown option ({error}). Train the model again, or use the "
                "version of this package that wrote it."
            ) from None
