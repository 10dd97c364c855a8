"""Names of the files and directories that make up a model, a prepared corpus and an export."""

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
# The number of pairs that the model was trained on, and hashes of all inputs of the training.
PROVENANCE_FILE = "provenance.json"
# The batch whose loss was not finite.
NONFINITE_BATCH_FILE = "nonfinite_batch.tsv"
# The names of the files that trainings have written into the directory.
TRAINING_FILES_FILE = "training_files.json"
# An empty file: the training has ended, and the weights beside it are final.
FINISHED_FILE = "finished"
TRAINING_LOCK_FILE = "training.lock"
CHECKPOINT_DIR = "checkpoints"
TENSORBOARD_DIR = "tensorboard"

# A directory of a prepared corpus, which has a vocabulary as a model has.
MANIFEST_FILE = "manifest.json"
STATISTICS_FILE = "statistics.json"

# An exported model, beside the files that are copied from the model directory.
METADATA_FILE = "metadata.json"
NOTICE_FILE = "NOTICE.txt"
