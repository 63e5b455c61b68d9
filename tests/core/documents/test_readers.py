from io import BytesIO

import pytest

from shortlist.documents import read_html, read_markdown, read_pdf, read_text
from shortlist.documents.blocks import Block, sections
from shortlist.documents.encoding import BinaryData, decode


def blocks(document):
    return [(block.level, block.text) for block in document.blocks]


def test_markdown_headings_of_both_kinds_and_paragraphs():
    document = read_markdown.read(b"# One #\ntext\nmore\n\nTwo\n===\n\nThree\n---\npara\n\n***\n\n#hashtag\n")
    assert blocks(document) == [
        (1, "One"), (0, "text\nmore"), (1, "Two"), (2, "Three"), (0, "para"), (0, "#hashtag"),
    ]  # fmt: skip
    assert document.title == "One"


def test_markdown_code_keeps_blank_lines_and_its_hashes_are_no_headings():
    document = read_markdown.read(b"````\n# no heading\n\n```\nx\n````\n\nafter\n")
    assert blocks(document) == [(0, "````\n# no heading\n\n```\nx\n````"), (0, "after")]


def test_markdown_front_matter_is_no_text_and_names_the_title():
    document = read_markdown.read(b"---\ntitle: 'The guide'\ntags: a\n---\n# Other\ntext\n")
    assert document.title == "The guide"
    assert blocks(document) == [(1, "Other"), (0, "text")]


def test_markdown_with_an_open_fence_loses_nothing():
    assert blocks(read_markdown.read(b"```\ncode\n\nmore")) == [(0, "```\ncode\n\nmore")]


def test_text_paragraphs():
    assert blocks(read_text.read(b"one\ntwo\n \t\nthree\r\n\r\nfour\n\n\n")) == [
        (0, "one\ntwo"),
        (0, "three"),
        (0, "four"),
    ]


HTML = b"""<html><head><title> The  page </title><style>p {}</style></head><body>
<nav><a>Menu</a></nav><h1>Big <em>one</em></h1><p>First<br>line <b>bold</b>.
<p>Second &amp; last<script>evil()</script><ul><li>a<li>b</ul>
<pre>
def f():

    return 1
</pre><table><tr><td>x<td>y</tr></table>tail</body></html>"""


def test_html_is_what_a_reader_sees():
    document = read_html.read(HTML)
    assert document.title == "The page"
    assert [text for level, text in blocks(document) if level] == ["Big one"]
    texts = [block.text for block in document.blocks]
    assert "First\nline bold ." in texts or "First\nline bold." in texts
    assert "def f():\n\n    return 1" in texts
    assert {"Second & last", "a", "b", "x y", "tail"} <= set(texts)
    assert not any(word in text for text in texts for word in ("Menu", "evil", "p {}"))


def test_html_takes_main_where_there_is_one():
    assert blocks(read_html.read(b"<div>banner</div><main><p>text</p></main>")) == [(0, "text")]


def test_html_says_its_own_encoding():
    page = '<meta charset="iso-8859-2"><p>Žluťoučký kůň</p>'.encode("iso-8859-2")
    assert blocks(read_html.read(page)) == [(0, "Žluťoučký kůň")]


def test_pdf_text_title_and_pages():
    pypdf = pytest.importorskip("pypdf")
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    for text in ("first page", "second page"):
        page = writer.add_blank_page(200, 200)
        font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
        fonts = DictionaryObject({NameObject("/F1"): _named(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    writer.add_metadata({"/Title": "Pages"})
    file = BytesIO()
    writer.write(file)
    document = read_pdf.read(file.getvalue())
    assert document.title == "Pages"
    assert document.blocks == (Block("first page", page=1), Block("second page", page=2))


def _named(values):
    from pypdf.generic import DictionaryObject, NameObject

    return DictionaryObject({NameObject(key): NameObject(value) for key, value in values.items()})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings(encoding):
    assert decode("naïve café\r\nnext\rlast".encode(encoding)) == "naïve café\nnext\nlast"


def test_an_encoding_that_nobody_knows_is_not_believed():
    assert decode("é".encode(), "klingon") == "é"


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\x01\x02\x03" * 50])
def test_binary_data_is_no_text(data):
    with pytest.raises(BinaryData):
        decode(data)


def test_sections_know_the_headings_above_them():
    document = read_markdown.read(b"intro\n# A\n## B\nb\n## C\nc\n# D\nd\n# E\n")
    assert [(s.path, [b.text for b in s.blocks]) for s in sections(document)] == [
        ((), ["intro"]), (("A", "B"), ["A", "B", "b"]), (("A", "C"), ["C", "c"]), (("D",), ["D", "d"]), (("E",), ["E"]),
    ]  # fmt: skip
