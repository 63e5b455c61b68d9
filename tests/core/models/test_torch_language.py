"""Language models on torch, on tiny random checkpoints of each architecture, against a plain forward pass."""

import copy
import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from shortlist import InputError, ModelTimeout, WeightsError
from shortlist.models.base import ChatReply, ChatRequest, Continuation, Message
from shortlist.models.named import model_from_dict, model_to_dict
from shortlist.plan import Call, Reply

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from shortlist.models.language_answers import whole_sentences  # noqa: E402
from shortlist.models.torch_language import TorchChat, TorchLikelihood  # noqa: E402
from shortlist.models.torch_language_engine import engine  # noqa: E402

pytestmark = pytest.mark.slow  # seven networks are made and read twice

spec = importlib.util.spec_from_file_location("tiny_language", Path(__file__).with_name("tiny_language.py"))
tiny = importlib.util.module_from_spec(spec)
sys.modules["tiny_language"] = tiny
spec.loader.exec_module(tiny)

PASSAGES = [
    "the moon pulls the sea",
    "bread needs yeast, flour, water and time.",
    "tides",
    "",
    "sun and moon and sea and tides " * 4,
    "Please write a question",
    "the moon pulls the sea.",
]
LABELS = ("yes", "no", "true")


@pytest.fixture(scope="session", params=tiny.ARCHITECTURES)
def folder(request, tmp_path_factory):
    return str(tiny.save(request.param, tmp_path_factory.mktemp(request.param)))


@pytest.fixture(scope="session")
def qwen(tmp_path_factory):
    return str(tiny.save("qwen3", tmp_path_factory.mktemp("qwen3-alone")))


@pytest.fixture(scope="session")
def t5(tmp_path_factory):
    return str(tiny.save("t5", tmp_path_factory.mktemp("t5-alone")))


def asked(passage, *, begun=None, query="what causes tides?"):
    turns = [Message("user", f"Is this passage about the query? Query: {query} Passage: {passage}")]
    return (*turns, Message("assistant", begun)) if begun is not None else tuple(turns)


class Reference:
    """The plain, slow way: the whole vocabulary at every position of one text at a time, nothing kept or padded."""

    def __init__(self, folder):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.seq2seq = "t5" in Path(folder).name
        kind = transformers.AutoModelForSeq2SeqLM if self.seq2seq else transformers.AutoModelForCausalLM
        self.module = kind.from_pretrained(folder, dtype=torch.float32).eval()

    def encoded(self, messages):
        """Ids that the encoder reads (None without one), and those that the decoder reads."""
        *turns, last = messages
        begun = last.content if last.role == "assistant" else ""
        turns = turns if last.role == "assistant" else messages
        if self.seq2seq:
            text = "\n\n".join(turn.content for turn in turns)
            return self.tokenizer(text)["input_ids"], [0, *self.tokenizer(begun, add_special_tokens=False)["input_ids"]]
        if turns[0].role == "text":
            return None, self.tokenizer(turns[0].content + begun)["input_ids"]
        chat = [{"role": turn.role, "content": turn.content} for turn in turns]
        text = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) + begun
        return None, self.tokenizer(text, add_special_tokens=False)["input_ids"]

    @torch.no_grad()
    def logits(self, source, ids):
        if source is None:
            return self.module(input_ids=torch.tensor([ids])).logits[0]
        return self.module(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([ids])).logits[0]

    def labels(self, messages, labels=LABELS):
        last = self.logits(*self.encoded(messages))[-1]
        tokens = [self.tokenizer(label, add_special_tokens=False)["input_ids"] for label in labels]
        assert all(len(each) == 1 for each in tokens)
        return [float(last[token]) for (token,) in tokens]

    def likelihood(self, messages, target):
        source, ids = self.encoded(messages)
        wanted = self.tokenizer(target, add_special_tokens=False)["input_ids"]
        log = self.logits(source, [*ids, *wanted]).log_softmax(-1)
        return sum(float(log[len(ids) - 1 + i, token]) for i, token in enumerate(wanted)), len(wanted)

    def written(self, messages, n):
        source, ids = self.encoded(messages)
        if source is None:
            out = self.module.generate(
                torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                max_new_tokens=n,
            )[0][len(ids) :]  # fmt: skip
        else:
            out = self.module.generate(torch.tensor([source]), do_sample=False, max_new_tokens=n)[0][1:]
        return self.tokenizer.decode(out, skip_special_tokens=True)


def label_rows(model, prompts, labels=LABELS):
    replies = model.answer([ChatRequest(messages, labels=labels) for messages in prompts], Call())
    return np.array([[reply.value.labels[label] for label in labels] for reply in replies])


def logprobs(model, prompts, targets):
    replies = model.answer([Continuation(p, t) for p, t in zip(prompts, targets, strict=True)], Call())
    return np.array([reply.value.logprob for reply in replies])


def shared(model, monkeypatch):
    """Counts the prefixes that are computed for several texts."""
    network = engine(model.settings).network
    seen, prefix = [], network.prefix
    monkeypatch.setattr(network, "prefix", lambda ids: (seen.append(len(ids)), prefix(ids))[1])
    return seen


def test_labels_are_those_of_a_plain_forward_pass(folder):
    model, reference = TorchChat(folder), Reference(folder)
    prompts = [asked(passage) for passage in PASSAGES]
    np.testing.assert_allclose(label_rows(model, prompts), [reference.labels(p) for p in prompts], atol=1e-4)
    reply = model.answer([ChatRequest(prompts[0], labels=LABELS)], Call())[0]
    assert reply.value.text == max(reply.value.labels, key=reply.value.labels.get)
    assert not reply.value.cut and reply.tokens_out == 1


def test_likelihoods_are_those_of_a_plain_forward_pass(folder):
    model, reference = TorchLikelihood(folder), Reference(folder)
    prompts = [asked(passage) for passage in PASSAGES]
    targets = ["what causes tides?", "bread", "the moon", "yes", "yeast needs time", "sea", "what causes tides?"]
    expected = [reference.likelihood(p, t) for p, t in zip(prompts, targets, strict=True)]
    np.testing.assert_allclose(logprobs(model, prompts, targets), [value for value, _ in expected], atol=1e-4)
    replies = model.answer([Continuation(p, t) for p, t in zip(prompts, targets, strict=True)], Call())
    assert [reply.value.tokens for reply in replies] == [count for _, count in expected]


@pytest.mark.parametrize("budget", [1, 300, 100_000])
def test_a_value_does_not_depend_on_the_batch(folder, budget):
    prompts = [asked(passage, query=query) for query in ("tides", "what is bread made of?") for passage in PASSAGES]
    alone = TorchChat(folder)
    expected = np.concatenate([label_rows(alone, [prompt]) for prompt in prompts])
    np.testing.assert_allclose(label_rows(TorchChat(folder, budget=budget), prompts), expected, atol=1e-4)
    likely = TorchLikelihood(folder)
    expected = np.concatenate([logprobs(likely, [prompt], ["the tides"]) for prompt in prompts])
    together = logprobs(TorchLikelihood(folder, budget=budget), prompts, ["the tides"] * len(prompts))
    np.testing.assert_allclose(together, expected, atol=1e-4)


def test_a_common_prefix_is_computed_once_and_changes_nothing(folder, monkeypatch):
    model = TorchChat(folder, budget=257)
    prompts = [asked(passage) for passage in PASSAGES]
    monkeypatch.setattr(engine(model.settings).network, "shares", lambda longest: False)
    apart = label_rows(model, prompts)
    monkeypatch.undo()
    seen = shared(model, monkeypatch)
    np.testing.assert_allclose(label_rows(model, prompts), apart, atol=1e-4)
    windowed = any(name in folder for name in ("gemma2", "mistral"))
    assert len(seen) == (0 if "t5" in folder or windowed else 1)


def test_each_query_has_a_prefix_of_its_own_where_that_saves_more(qwen, monkeypatch):
    model = TorchLikelihood(qwen)
    seen = shared(model, monkeypatch)
    queries = ["what causes tides and who found it out? " * 2, "does bread need yeast or is water enough? " * 2]
    prompts = [asked(passage, query=query) for query in queries for passage in PASSAGES]
    whole = logprobs(model, prompts, ["yes"] * len(prompts))
    assert len(seen) == 2
    apart = np.concatenate([logprobs(model, [prompt], ["yes"]) for prompt in prompts])
    np.testing.assert_allclose(whole, apart, atol=1e-4)


def test_only_the_rows_of_the_labels_meet_the_last_state(folder):
    module = engine(TorchChat(folder).settings).network.module
    head, calls = module.get_output_embeddings(), []
    handle = head.register_forward_hook(lambda *call: calls.append(call))
    label_rows(TorchChat(folder), [asked(passage) for passage in PASSAGES])
    assert calls == [] and module.get_output_embeddings() is head
    label_rows(TorchChat(folder), [asked("tides")], ("the moon pulls",))
    assert calls  # the tokens after a label's first need the whole vocabulary
    handle.remove()


def test_writing_is_that_of_transformers(folder):
    model, reference = TorchChat(folder), Reference(folder)
    prompts = [asked(passage) for passage in PASSAGES]
    replies = model.answer([ChatRequest(prompt, max_tokens=9) for prompt in prompts], Call())
    assert [reply.value.text for reply in replies] == [reference.written(prompt, 9) for prompt in prompts]
    assert all(reply.value.cut == (reply.tokens_out == 9) for reply in replies)
    one = model.answer([ChatRequest(prompts[0], max_tokens=1)], Call())[0]
    assert one.tokens_out == 1 and one.value.cut and one.value.labels == {}


def test_writing_stops_where_the_model_does(folder):
    """Every token is made an end, so that the first one is."""
    model = TorchChat(folder, max_length=200)
    runner = engine(model.settings)
    runner._ends, before = frozenset(range(400)), runner._ends
    reply = model.answer([ChatRequest(asked("tides"))], Call())[0]
    runner._ends = before
    assert reply.value == ChatReply("") and reply.tokens_out == 0


def test_drawn_texts_are_the_same_for_the_same_request_and_do_not_depend_on_the_batch(folder):
    model = TorchChat(folder)
    requests = [ChatRequest(asked(passage), max_tokens=8, temperature=1.5) for passage in PASSAGES]
    together = [reply.value.text for reply in model.answer(requests, Call())]
    assert [model.answer([request], Call())[0].value.text for request in requests] == together
    greedy = model.answer([request._replace(temperature=0.0) for request in requests], Call())
    assert together != [reply.value.text for reply in greedy]


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_the_likelihood_of_what_is_written_is_that_of_reading_it(folder, temperature, monkeypatch):
    model, reference = TorchChat(folder), Reference(folder)
    runner, seen = engine(model.settings), []
    write = runner.write
    monkeypatch.setattr(runner, "write", lambda *given: (seen.extend(found := write(*given)), found)[1])
    requests = [ChatRequest(asked(p), max_tokens=6, temperature=temperature, confidence=True) for p in PASSAGES]
    replies = model.answer(requests, Call())
    for request, reply, text in zip(requests, replies, seen, strict=True):
        source, ids = reference.encoded(request.messages)
        log = reference.logits(source, [*ids, *text.tokens]).log_softmax(-1)[len(ids) - 1 :]
        expected = [float(log[i, token]) for i, token in enumerate(text.tokens)]
        np.testing.assert_allclose(text.logprobs[: len(text.tokens)], expected, atol=1e-4)
        assert len(text.logprobs) == len(text.tokens) + (not text.cut)  # the end that it chose counts too
        assert reply.value.likelihood == (pytest.approx(sum(text.logprobs)), len(text.logprobs))
    unasked = model.answer([request._replace(confidence=False) for request in requests], Call())
    assert [reply.value for reply in unasked] == [reply.value._replace(likelihood=None) for reply in replies]


def test_an_end_that_is_chosen_has_a_likelihood(qwen):
    model = TorchChat(qwen, max_length=200)
    runner = engine(model.settings)
    runner._ends, before = frozenset(range(400)), runner._ends
    reply = model.answer([ChatRequest(asked("tides"), confidence=True)], Call())[0]
    runner._ends = before
    assert reply.value.text == "" and reply.value.likelihood.tokens == 1 and reply.value.likelihood.logprob < 0


def test_another_draw_is_another_text_and_the_same_again(qwen):
    model = TorchChat(qwen)
    requests = [ChatRequest(asked("tides"), max_tokens=8, temperature=1.5, draw=draw) for draw in range(6)]
    texts = [reply.value.text for reply in model.answer(requests, Call())]
    assert len({*texts}) > 3
    assert [model.answer([request], Call())[0].value.text for request in requests] == texts
    cold = model.answer([request._replace(temperature=0.0) for request in requests], Call())
    assert len({reply.value.text for reply in cold}) == 1


def test_a_prefix_of_the_answer_is_continued(folder):
    reference = Reference(folder)
    messages = asked("the moon", begun="the sea ")
    np.testing.assert_allclose(
        label_rows(TorchChat(folder), [messages], ("tides",)), [reference.labels(messages, ("tides",))], atol=1e-4
    )
    value, _ = reference.likelihood(messages, "tides")
    np.testing.assert_allclose(logprobs(TorchLikelihood(folder), [messages], ["tides"]), [value], atol=1e-4)


def test_raw_text_goes_through_no_template(folder):
    reference = Reference(folder)
    messages = (Message("text", "Passage: bread. Query: what causes tides? yes or no"),)
    reply = TorchChat(folder).answer([ChatRequest(messages, labels=LABELS)], Call())[0]
    np.testing.assert_allclose([*reply.value.labels.values()], reference.labels(messages), atol=1e-4)
    source, ids = reference.encoded(messages)
    assert reply.tokens_in == len(source or []) + len(ids)


def test_a_label_of_several_tokens_is_its_first_logit_and_the_rest_in_probability(folder):
    reference, messages, label = Reference(folder), asked("bread"), "the moon pulls"
    first, *rest = reference.tokenizer(label, add_special_tokens=False)["input_ids"]
    assert rest
    source, ids = reference.encoded(messages)
    logits = reference.logits(source, [*ids, first, *rest])[len(ids) - 1 :]
    expected = float(logits[0, first]) + sum(float(logits[i + 1].log_softmax(-1)[t]) for i, t in enumerate(rest))
    values = label_rows(TorchChat(folder), [messages], ("yes", label))[0]
    np.testing.assert_allclose(values, [*reference.labels(messages, ("yes",)), expected], atol=1e-4)


def test_labels_are_cut_into_tokens_as_what_follows_the_text():
    """A SentencePiece tokenizer has another token for a word after a bracket than at the start of a word."""
    from shortlist.models.language_prompts import Prompter

    prompter = Prompter(tiny.pieces(), 0)
    names = prompter.tokenizer.convert_ids_to_tokens
    assert names(prompter.following("", "true")) == ["▁true"]
    assert "".join(names(prompter.following("moon.", "true"))) == "true"
    assert names(prompter.following("moon.", " true")) == ["▁true"]
    with pytest.raises(InputError, match="has no tokens"):
        prompter.following("moon", "")
    assert prompter.encode("moon \ud800") == prompter.encode("moon ?")  # and no batch fails for one text


def test_labels_after_thinking(qwen):
    """The text with which thinking ends is whatever this random model writes; labels are weighed behind it."""
    model, reference = TorchChat(qwen), Reference(qwen)
    prompts = [asked(passage) for passage in PASSAGES[:3]]
    for messages in prompts:
        ids = reference.encoded(messages)[1]
        tokens = reference.module.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), do_sample=False, max_new_tokens=5
        )[0][len(ids) :].tolist()
        until = reference.tokenizer.decode(tokens[2])
        ends = next(i for i in range(5) if until in reference.tokenizer.decode(tokens[: i + 1]))
        request = ChatRequest(messages, max_tokens=20, labels=("yes", "no"), labels_after=until)
        reply = model.answer([request], Call())[0]
        after = reference.logits(None, [*ids, *tokens[: ends + 1]])[-1]
        for label in ("yes", "no"):
            token = reference.tokenizer(label)["input_ids"][0]
            assert reply.value.labels[label] == pytest.approx(float(after[token]), abs=1e-4)
        assert not reply.value.cut and reply.tokens_out == ends + 2
        exactly = model.answer([request._replace(max_tokens=ends + 1)], Call())[0]
        assert exactly.value == reply.value
        assert reply.value.text.endswith(max(reply.value.labels, key=reply.value.labels.get))


def test_thinking_that_does_not_end_is_ended_for_the_model(folder):
    model, reference = TorchChat(folder), Reference(folder)
    request = ChatRequest(asked("bread"), max_tokens=6, labels=("yes", "no"), labels_after="</think>")
    reply = model.answer([request], Call())[0]
    assert reply.value.cut and reply.tokens_out == 7
    thought, _, label = reply.value.text.rpartition("\n</think>")
    assert label in ("yes", "no")
    written = reference.written(asked("bread"), 6)
    assert thought == whole_sentences(written)
    source, ids = reference.encoded(asked("bread"))
    more = reference.tokenizer(thought + "\n</think>", add_special_tokens=False)["input_ids"]
    expected = reference.logits(source, [*ids, *more])[-1]
    before, both = (reference.tokenizer(t, add_special_tokens=False)["input_ids"] for t in ("</think>", "</think>yes"))
    assert both[: len(before)] == before
    assert reply.value.labels["yes"] == pytest.approx(float(expected[both[len(before)]]), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("One. Two. Thr", "One. Two."),
        ("One. Two.", "One. Two."),
        ("no end at all ", "no end at all"),
        ("line\nhalf a", "line"),
        ("pi is 3.14 and", "pi is 3.14 and"),
        ("", ""),
    ],
)
def test_whole_sentences(text, whole):
    assert whole_sentences(text) == whole


def test_a_prompt_that_is_too_long_loses_the_middle_of_its_longest_message(folder):
    model = TorchChat(folder, max_length=100)
    long = "first " + "the moon pulls the sea " * 50 + "last"
    prompts = [asked(long), asked("tides"), (Message("system", "yes"), Message("user", long)), asked("x" * 1_000_000)]
    replies = model.answer([ChatRequest(prompt, labels=LABELS) for prompt in prompts], Call())
    assert [reply.truncated for reply in replies] == [True, False, True, True]
    assert all(60 < reply.tokens_in <= 104 for reply in (replies[0], replies[2]))
    prompter = engine(model.settings).prompter
    prompt = prompter.prompt(prompts[0], 90)
    text = prompter.decode(prompt.source or prompt.ids)
    assert "first" in text and "last" in text and "..." in text.replace(" ", "")
    likely = TorchLikelihood(folder, max_length=100).answer([Continuation(asked(long), "tides")], Call())[0]
    assert likely.truncated and likely.tokens_in <= 104


def test_prompt_and_answer_share_what_the_model_reads(qwen):
    model = TorchChat(qwen, max_length=100)
    long, short = (asked(text) for text in ("the moon pulls the sea " * 50, "a"))
    replies = model.answer([ChatRequest(long, max_tokens=30), ChatRequest(short, max_tokens=500)], Call())
    assert 50 <= replies[0].tokens_in <= 70 and replies[0].truncated
    assert replies[1].tokens_in + replies[1].tokens_out <= 100 and not replies[1].truncated


def test_t5_reads_more_than_it_was_made_for_if_one_wants(t5, qwen):
    request = ChatRequest(asked("the moon pulls the sea " * 60), labels=LABELS)
    replies = [TorchChat(t5, max_length=length).answer([request], Call())[0] for length in (None, 1_000)]
    assert [reply.truncated for reply in replies] == [True, False]
    np.testing.assert_allclose([*replies[1].value.labels.values()], Reference(t5).labels(request.messages), atol=1e-4)
    assert TorchChat(qwen, max_length=1_000).answer([request], Call())[0].truncated


def test_what_cannot_be_a_prompt_stands_in_its_place(qwen, t5):
    good, words = ChatRequest(asked("tides"), labels=LABELS), Message("text", "a")
    bad = [
        ChatRequest((), labels=LABELS),
        ChatRequest((Message("assistant", "x"),), labels=LABELS),
        ChatRequest((words, Message("user", "b")), labels=LABELS),
        ChatRequest(asked("tides"), labels=("",)),
    ]
    for name in (qwen, t5):
        replies = TorchChat(name).answer([*bad, good], Call())
        assert [type(reply) for reply in replies] == [InputError] * 4 + [Reply]
    target = TorchLikelihood(qwen).answer(
        [Continuation(asked("a"), "sea " * 300), Continuation(asked("a"), "")], Call()
    )
    assert [type(reply) for reply in target] == [InputError] * 2
    tight = TorchChat(qwen, max_length=8).answer([good], Call())[0]
    assert isinstance(tight, InputError) and "template alone" in str(tight)


def test_a_folder_without_a_template_takes_raw_text_only(tmp_path):
    folder = tiny.save("qwen2", tmp_path)
    (folder / "chat_template.jinja").unlink()
    reply = TorchChat(str(folder)).answer([ChatRequest(asked("a"), labels=LABELS)], Call())[0]
    assert isinstance(reply, InputError) and "no chat template" in str(reply)
    assert label_rows(TorchChat(str(folder)), [(Message("text", "a"),)]).shape == (1, 3)


def test_a_system_turn_goes_into_the_first_one_where_the_template_has_none(tmp_path):
    model = TorchChat(str(tiny.save("gemma", tmp_path)))
    apart = (Message("system", "yes or no"), Message("user", "tides"))
    together = (Message("user", "yes or no\n\ntides"),)
    np.testing.assert_array_equal(label_rows(model, [apart]), label_rows(model, [together]))


def test_it_stops_between_batches_when_nobody_waits(folder):
    call = Call()
    call.cancelled.set()
    requests = [ChatRequest(asked("a"), labels=LABELS), ChatRequest(asked("a"), max_tokens=3)]
    assert all(isinstance(reply, ModelTimeout) for reply in TorchChat(folder).answer(requests, call))
    late = TorchLikelihood(folder).answer([Continuation(asked("a"), "b")], call)
    assert isinstance(late[0], ModelTimeout) and call.batches == 0


def test_it_stops_while_writing_when_nobody_waits(qwen, monkeypatch):
    model, call = TorchChat(qwen), Call()
    network = engine(model.settings).network
    step = network.step
    monkeypatch.setattr(network, "step", lambda *given: (call.cancelled.set(), step(*given))[1])
    assert isinstance(model.answer([ChatRequest(asked("a"), max_tokens=200)], call)[0], ModelTimeout)


def test_usage_is_what_was_read_and_grows_with_it(folder):
    reference = Reference(folder)
    short, long = (ChatRequest(asked(text), labels=LABELS) for text in ("a", "the moon pulls the sea"))
    replies = TorchChat(folder).answer([short, long], Call())
    for reply, request in zip(replies, (short, long), strict=True):
        source, ids = reference.encoded(request.messages)
        assert reply.tokens_in == len(source or []) + len(ids)
    assert 0 < replies[0].flops < replies[1].flops
    module = engine(TorchChat(folder).settings).network.module
    assert replies[1].flops > module.num_parameters() * 0.1 * replies[1].tokens_in
    read = TorchLikelihood(folder).answer([Continuation(short.messages, "tides")], Call())[0]
    assert read.tokens_in == replies[0].tokens_in + read.value.tokens and read.tokens_out == 0


def test_a_shared_prefix_is_paid_for_once(qwen, monkeypatch):
    requests = [ChatRequest(asked(passage), labels=LABELS) for passage in PASSAGES]
    together = sum(reply.flops for reply in TorchChat(qwen).answer(requests, Call()))
    apart = sum(TorchChat(qwen).answer([request], Call())[0].flops for request in requests)
    assert together < 0.8 * apart


def test_models_are_values(qwen):
    for model in (TorchChat(qwen, max_length=64), TorchLikelihood(qwen)):
        again = pickle.loads(pickle.dumps(copy.deepcopy(model)))
        assert again == model == model_from_dict(model_to_dict(model)) and hash(again) == hash(model)
        assert again.fingerprint == model.fingerprint and model.label == qwen
        model.warm_up()
    kinds = {TorchChat(qwen).fingerprint, TorchChat(qwen, max_length=64).fingerprint, TorchLikelihood(qwen).fingerprint}
    assert len(kinds) == 3
    assert engine(TorchChat(qwen).settings) is engine(TorchLikelihood(qwen).settings)


def test_settings_are_looked_over(qwen):
    for kind in (TorchChat, TorchLikelihood):
        for bad in ({"dtype": "int8"}, {"max_length": 2}, {"budget": 0}):
            with pytest.raises(InputError):
                kind(qwen, **bad)
        with pytest.raises(InputError, match="is no folder, no hub id"):
            kind("nothing")


def test_architectures_that_would_be_read_wrongly_are_refused(tmp_path):
    """BART counts its decoder's positions from the left, padding included."""
    tiny.byte_pairs(begins=False).save_pretrained(tmp_path)
    shape = {"encoder_layers": 1, "decoder_layers": 1, "d_model": 16, "encoder_attention_heads": 2,
             "decoder_attention_heads": 2, "vocab_size": 400, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}  # fmt: skip
    transformers.BartForConditionalGeneration(transformers.BartConfig(**shape)).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="'bart' is not supported"):
        TorchChat(str(tmp_path)).warm_up()


def test_half_precision_is_near(qwen):
    prompts = [asked(passage) for passage in PASSAGES]
    exact, half = (label_rows(TorchChat(qwen, dtype=dtype), prompts) for dtype in ("float32", "bfloat16"))
    assert 0 < np.abs(exact - half).max() < 0.1 * np.abs(exact).max() + 0.5


def test_64_threads_on_one_model(qwen):
    from concurrent.futures import ThreadPoolExecutor

    model, prompts = TorchChat(qwen), [asked(passage) for passage in PASSAGES]
    expected = label_rows(model, prompts)
    with ThreadPoolExecutor(64) as pool:
        for found in pool.map(lambda _: label_rows(model, prompts), range(64)):
            np.testing.assert_allclose(found, expected, atol=1e-6)
