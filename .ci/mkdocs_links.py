"""MkDocs hook: adds files outside of docs/ that pages link to, and rewrites the links.

Links in docs/ are relative, so that they work on a forge. A file outside of docs/ gets the same
path in the site as in the repository.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files, config):
    """Adds the files that pages link to, and the files that these files link to."""
    pending = [file.src_uri for file in files.documentation_pages()]
    while pending:
        uri = pending.pop()
        text = _source_path(uri, files).read_text("utf-8")
        for target in _LINK.findall(text):
            linked_uri = _linked_uri(uri, target, files)
            path = ROOT / linked_uri
            if files.get_file_from_path(linked_uri) is None and path.is_file():
                files.append(File.generated(config, linked_uri, abs_src_path=str(path)))
                if path.suffix == ".md":
                    pending.append(linked_uri)
    return files


def on_page_markdown(markdown, page, config, files):
    """Makes links relative to the paths in the site."""
    uri = page.file.src_uri
    folder = posixpath.dirname(uri)

    def rewrite(match: re.Match) -> str:
        linked_uri = _linked_uri(uri, match[1], files)
        # MkDocs reports a broken link. In code, the match is no link.
        if files.get_file_from_path(linked_uri) is None:
            return match[0]
        return posixpath.relpath(linked_uri, folder or ".")

    return _LINK.sub(rewrite, markdown)


def _source_path(uri: str, files) -> Path:
    return Path(files.get_file_from_path(uri).abs_src_path)


def _linked_uri(uri: str, target: str, files) -> str:
    """Returns the path in the site of a link target in a page."""
    folder = _source_path(uri, files).parent.relative_to(ROOT).as_posix()
    path = posixpath.normpath(posixpath.join(folder, target))
    return path.removeprefix("docs/")
