"""Names of the files of a model, a prepared dataset and an exported model."""

# A model directory.
CONFIG_FILE = "config.json"
SHARED_VOCABULARY_FILE = "vocabulary.txt"
SOURCE_VOCABULARY_FILE = "source_vocabulary.txt"
TARGET_VOCABULARY_FILE = "target_vocabulary.txt"
USER_DICTIONARY_FILE = "user_dictionary.txt"
BEST_WEIGHTS_FILE = "best.npz"
LAST_WEIGHTS_FILE = "last.npz"
HISTORY_FILE = "log.csv"
MODEL_CARD_FILE = "CARD.md"
# Number of training pairs, and hashes of all inputs of the training run.
PROVENANCE_FILE = "provenance.json"
# The batch whose loss was not finite.
NONFINITE_BATCH_FILE = "nonfinite_batch.tsv"
# Names of the files that training runs have written into the directory.
TRAINING_FILES_FILE = "training_files.json"
# Empty file that marks the training run as finished.
FINISHED_FILE = "finished"
TRAINING_LOCK_FILE = "training.lock"
CHECKPOINT_DIR = "checkpoints"
TENSORBOARD_DIR = "tensorboard"

# The directory of a prepared dataset, which also has the vocabulary files of a model.
MANIFEST_FILE = "manifest.json"
STATISTICS_FILE = "statistics.json"

# An exported model, in addition to the files copied from the model directory.
METADATA_FILE = "metadata.json"
NOTICE_FILE = "NOTICE.txt"
