"""Licenses of third-party data in an exported model."""

_JIEBA_NOTICE = """\
The dictionary of words (words-*.txt) and the tables of the hidden Markov model are those of jieba,
https://github.com/fxsjy/jieba, under this license:

The MIT License (MIT)

Copyright (c) 2013 Sun Junyi

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

_MODEL_NOTICE = """\
This model was made with attention_seq2seq (Apache-2.0). Its weights and its vocabulary were learned
from the corpus that metadata.json names. The author of the model states the license of the corpus.
"""


def third_party_notices(uses_jieba: bool) -> str:
    """Returns the text of NOTICE.txt."""
    return f"{_MODEL_NOTICE}\n{_JIEBA_NOTICE}" if uses_jieba else _MODEL_NOTICE
