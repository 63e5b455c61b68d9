"""Exported files as the trainers read them: TRL's own functions, LLaMA-Factory's documented schema, and over HTTP."""

import asyncio
import json
import re
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shortlist import Passage
from shortlist.cli.app import app
from shortlist.cli.exits import ExitCode
from shortlist.errors import InputError
from shortlist.models.base import Message
from shortlist.models.catalogue import find
from shortlist.prompts.render import render
from shortlist.prompts.spec import prompt
from shortlist.training.export import (
    Example,
    dataset_info,
    demonstrations,
    llama_factory,
    preferences,
    trl,
    write_examples,
)
from shortlist.training.rewards import Terms
from shortlist.training.trajectories import Explored, Question, Trace, Trajectory

SPEC = prompt("dynamicrag")
TERMS = Terms(1.0, None, 1.0, 0.5, None)
QUESTIONS = [
    Question(f"what causes tides {i}? “{{query}}” é", (Passage("Bread\nNeeds yeast."), Passage("Moon.")), ("moon",))
    for i in range(3)
]
FOUND = [
    Explored(each, (Trajectory((2,), 1, "moon", TERMS, 0.9), Trajectory((), 1, "", TERMS, 0.2)), 0)
    for each in QUESTIONS
]
PAIRS = preferences(FOUND, SPEC, 0.1)
SHOWN = demonstrations([Trace(each, ids) for each, ids in zip(QUESTIONS, [(2, 1), (1,), ()], strict=True)], SPEC)

# The README of LLaMA-Factory's folder `data`, sections on ShareGPT for supervised and preference sets.
TURN = {
    "type": "object",
    "properties": {"from": {"enum": ["human", "gpt"]}, "value": {"type": "string"}},
    "required": ["from", "value"],
    "additionalProperties": False,
}
SHAREGPT = {
    "type": "object",
    "properties": {
        "conversations": {"type": "array", "items": TURN, "minItems": 1},
        "system": {"type": "string"},
        "chosen": TURN,
        "rejected": TURN,
    },
    "required": ["conversations", "system"],
    "additionalProperties": False,
    "dependentRequired": {"chosen": ["rejected"], "rejected": ["chosen"]},
}
INFO = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {
            "file_name": {"type": "string"},
            "formatting": {"const": "sharegpt"},
            "ranking": {"type": "boolean"},
            "columns": {
                "type": "object",
                "properties": {
                    name: {"type": "string"} for name in ("messages", "system", "tools", "chosen", "rejected")
                },
                "additionalProperties": False,
            },
        },
        "required": ["file_name", "formatting", "columns"],
        "additionalProperties": False,
    },
}


def sent(question, spec=SPEC):
    return render(spec, question.query, question.passages)


@pytest.mark.parametrize("name", ["dynamicrag", "dynamicrag-inference"])
def test_prompts_are_those_that_the_reranker_sends_to_the_byte(name):
    spec = prompt(name)
    for question, example in zip(QUESTIONS, preferences(FOUND, spec, 0.1), strict=True):
        system, user = sent(question, spec)
        row = trl(example)
        assert [(turn["role"], turn["content"]) for turn in row["prompt"]] == [system, user]
        row = llama_factory(example)
        assert (row["system"], row["conversations"]) == (system[1], [{"from": "human", "value": user[1]}])
    separated = "\n\nRetrieved Content:" in sent(QUESTIONS[0], spec)[1][1]
    assert separated is (name == "dynamicrag")


def test_what_is_preferred_to_what_and_what_is_shown():
    assert [(each.chosen, each.rejected) for each in PAIRS] == [("[2]", "None")] * 3
    assert [(each.chosen, each.rejected) for each in SHOWN] == [("[2], [1]", None), ("[1]", None), ("None", None)]
    assert preferences(FOUND, SPEC, 0.8) == []


def loaded(path, tmp_path):
    datasets = pytest.importorskip("datasets")
    return datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))


def lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


@pytest.fixture
def tokenizer():
    transformers = pytest.importorskip("transformers")
    folder = find("smollm2-135m")
    if folder is None:
        pytest.skip("needs the weights of smollm2-135m")
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_trl_reads_pairs(tmp_path):
    utils = pytest.importorskip("trl.data_utils")
    rows = loaded(write_examples(tmp_path, "pairs", PAIRS, "trl"), tmp_path)
    assert rows.column_names == ["prompt", "chosen", "rejected"]
    for row, question in zip(rows, QUESTIONS, strict=True):
        assert utils.is_conversational(row)
        assert utils.maybe_extract_prompt(row) == row
        assert [(turn["role"], turn["content"]) for turn in row["prompt"]] == list(sent(question))
    assert len(utils.unpair_preference_dataset(rows)) == 6


@pytest.mark.slow
@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
def test_trl_puts_pairs_and_demonstrations_through_a_chat_template(tmp_path, tokenizer):
    utils = pytest.importorskip("trl.data_utils")
    for name, examples, last in (("pairs", PAIRS, "chosen"), ("shown", SHOWN, "completion")):
        rows = loaded(write_examples(tmp_path, name, examples, "trl"), tmp_path)
        for row, example, question in zip(rows, examples, QUESTIONS, strict=True):
            made = utils.maybe_apply_chat_template(row, tokenizer)
            turns = [{"role": role, "content": content} for role, content in sent(question)]
            asked = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            assert made["prompt"] == asked
            assert made[last].startswith(f"{example.chosen}<|im_end|>")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_trl_reads_demonstrations(tmp_path):
    utils = pytest.importorskip("trl.data_utils")
    rows = loaded(write_examples(tmp_path, "shown", SHOWN, "trl"), tmp_path)
    assert rows.column_names == ["prompt", "completion"]
    assert all(utils.is_conversational(row) for row in rows)
    assert [row["completion"][0]["content"] for row in rows] == ["[2], [1]", "[1]", "None"]


@pytest.mark.parametrize(("name", "examples"), [("pairs", PAIRS), ("shown", SHOWN)])
def test_llama_factory_reads_both(name, examples, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    file = write_examples(tmp_path, name, examples, "llama-factory")
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    jsonschema.validate(info, INFO)
    entry = info[name]
    assert tmp_path / entry["file_name"] == file
    for line in file.read_text().splitlines():
        row = json.loads(line)
        jsonschema.validate(row, SHAREGPT)
        assert set(entry["columns"].values()) == set(row)
        speakers = [turn["from"] for turn in row["conversations"]]
        # An odd number of turns of a preference, an even one of a demonstration; the others are left out of training.
        assert speakers == (["human"] if entry.get("ranking") else ["human", "gpt"])
    assert entry.get("ranking", False) is (name == "pairs")


def test_files_of_one_folder_stand_in_one_list(tmp_path):
    (tmp_path / "dataset_info.json").write_text('{"mine": {"file_name": "mine.json"}}')
    write_examples(tmp_path, "pairs", PAIRS, "llama-factory")
    write_examples(tmp_path, "shown", SHOWN, "llama-factory")
    assert list(json.loads((tmp_path / "dataset_info.json").read_text())) == ["mine", "pairs", "shown"]
    (tmp_path / "dataset_info.json").write_text("[")
    with pytest.raises(InputError, match="no dataset_info"):
        write_examples(tmp_path, "pairs", PAIRS, "llama-factory")


def test_what_cannot_be_written(tmp_path):
    for examples, form in (([], "trl"), ([PAIRS[0], SHOWN[0]], "trl"), (PAIRS, "alpaca")):
        with pytest.raises(InputError):
            write_examples(tmp_path, "x", examples, form)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_examples(tmp_path / "file", "x", PAIRS, "trl")


def test_turns_that_llama_factory_has_no_form_for():
    user, said = Message("user", "q"), Message("assistant", "a")
    assert llama_factory(Example((user, said, user), "x"))["system"] == ""
    for turns in ((said,), (user, user), (user, said), (user, Message("system", "s"), user)):
        with pytest.raises(InputError):
            llama_factory(Example(turns, "x"))
    assert dataset_info("a", "a.jsonl", ranking=False)["a"]["columns"] == {
        "messages": "conversations",
        "system": "system",
    }


class Server:
    """A scripted OpenAI-compatible server: draws lists for the policy, reads for the generator, judges."""

    def __init__(self):
        self.bodies = []
        self.broken = False
        self._started = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._started.wait(15)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(15)

    async def _main(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = int(re.search(r"(?i)content-length: (\d+)", head)[1])
                body = json.loads(await reader.readexactly(length))
                self.bodies.append(body)
                message = {"role": "assistant", "content": self.said(body)}
                answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
                raw = json.dumps(answer).encode()
                status = "400 Bad Request" if self.broken else "200 OK"
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
                    + raw
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def said(self, body):
        content = body["messages"][-1]["content"]
        if body["messages"][0]["content"].startswith("You are an expert at dynamically"):
            draw = sum(each["messages"] == body["messages"] for each in self.bodies) - 1
            return ["[2]", "[1], [3]", "None", "Well: [9]", "[2], [1]", "[2]", "", "[3]"][draw]
        if "<candidate>" in content:
            return "Score: 95" if "moon" in content.split("<candidate>")[1] else "Score: 5"
        return "The moon." if "moon causes" in content else "Yeast."

    @property
    def model(self):
        return json.dumps({"model": "openai-chat", "name": "m", "base_url": self.url, "key_variable": None})


@pytest.fixture
def server():
    pytest.importorskip("openai")
    with Server() as server:
        yield server


@pytest.fixture
def run(tmp_path):
    asked = [
        {
            "query": f"what causes tides {i}?",
            "passages": ["Bread.", "The moon causes tides.", "Salt."],
            "answers": ["moon"],
        }
        for i in range(4)
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in asked))

    def made(*arguments):
        settings = ["trajectories", path, "--out", tmp_path / "out", "--json", *arguments]
        return CliRunner().invoke(app, [str(each) for each in settings])

    return made


@pytest.mark.parametrize("form", ["trl", "llama-factory"])
def test_questions_in_pairs_out_over_http(form, server, run, tmp_path):
    judged = tmp_path / "judged.jsonl"
    judged.write_text(json.dumps({"query": "tides", "passages": ["Bread.", "The moon and tides."], "grades": [0, 1]}))
    more = (
        "--judge",
        server.model,
        "--prompt",
        "dynamicrag",
        "--format",
        form,
        "--judged",
        judged,
        "--teacher",
        "lexical",
    )
    result = run("--model", server.model, *more)
    assert result.exit_code == ExitCode.OK, result.output
    told = json.loads(result.stdout)
    assert (told["questions"], told["failed"], told["pairs"], told["demonstrations"]) == (4, 0, 4, 1)
    assert (told["lists"], told["lost samples"]) == (4 * 5, 4 * 2)
    assert len(server.bodies) == 4 * (8 + 5 + 2)  # equal answers of a question are judged once
    rows = lines(told["pairs in"])
    first = rows[0]
    policy = next(body for body in server.bodies if body["temperature"] > 0)
    if form == "trl":
        assert first["prompt"] in [body["messages"] for body in server.bodies]
        assert (first["chosen"][0]["content"], first["rejected"][0]["content"]) == ("[2]", "[1], [3]")
        assert lines(told["demonstrations in"])[0]["completion"][0]["content"] == "[2]"
    else:
        assert first["system"] == policy["messages"][0]["content"]
        assert (first["chosen"]["value"], first["rejected"]["value"]) == ("[2]", "[1], [3]")
        assert lines(told["demonstrations in"])[0]["conversations"][1]["value"] == "[2]"
    again = run("--model", server.model, *more)
    assert json.loads(again.stdout) == told
    assert len(server.bodies) == 4 * (8 + 5 + 2)  # equal answers of a question are judged once


def test_a_server_that_fails_loses_lists_and_nothing_else(server, run):
    server.broken = True
    result = run("--model", server.model)
    told = json.loads(result.stdout)
    assert (told["lists"], told["lost samples"], told["pairs"], told["pairs in"]) == (0, 32, 0, None)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--format", "alpaca"),
        ("--prompt", "rankgpt"),
        ("--prompt", "none such"),
        ("--style", "sonnet"),
        ("--temperature", "0"),
        ("--longest", "0"),
        ("--embedder", "{"),
        ("--judge", "{]"),
        ("--generator", '{"model": "static"}'),
        ("--judged", "none.jsonl"),
    ],
)
def test_errors_come_before_any_model_is_called(wrong, server, run, tmp_path):
    result = run("--model", server.model, *wrong)
    assert result.exit_code in (ExitCode.USAGE, ExitCode.MISSING), result.output
    assert result.stderr.startswith("error: ")
    assert server.bodies == []
    assert not (tmp_path / "out").exists()


PROMPT = """
name = "twice"
summary = "Two turns of a user's, one after the other."
licence = "any model"
reference = "our own"
contract = "selection"
grammar = "selection-json"
window = 20
words = 300
max_tokens = 64
passage = "[{id}] {text}"
separator = "\\n"
listed = "{id}"
[[turns]]
role = "user"
content = "{passages}"
[[turns]]
role = "user"
content = "{query}"
"""


def test_a_prompt_that_cannot_be_exported_is_told_before_any_model_is_called(server, run, tmp_path):
    path = tmp_path / "twice.toml"
    path.write_text(PROMPT)
    result = run("--model", server.model, "--prompt", path, "--format", "llama-factory")
    assert result.exit_code == ExitCode.USAGE and "LLaMA-Factory reads turns" in result.stderr, result.output
    assert server.bodies == [] and not (tmp_path / "out").exists()
    assert run("--model", server.model, "--prompt", path, "--format", "trl").exit_code == ExitCode.OK


def test_a_folder_that_cannot_be_made_is_told_before_any_model_is_called(server, run, tmp_path):
    result = run("--model", server.model, "--out", tmp_path / "questions.jsonl" / "out")
    assert result.exit_code == ExitCode.USAGE and "cannot be written" in result.stderr
    assert server.bodies == []


def test_other_settings_do_not_go_into_the_same_file(server, run):
    assert run("--model", server.model, "--samples", "2").exit_code == ExitCode.OK
    asked = len(server.bodies)
    result = run("--model", server.model, "--samples", "3")
    assert result.exit_code == ExitCode.USAGE
    assert "other settings" in result.stderr
    assert len(server.bodies) == asked
