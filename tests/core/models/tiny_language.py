"""Tiny random language models of each architecture, with tokenizers trained on a few lines, as folders."""

from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>model\n{% endif %}"
)
LINES = [
    "Is this passage about the query? yes or no. true or false.",
    "Passage: the moon pulls the sea and raises the tides. Query: what causes tides? yes",
    "Passage: bread needs yeast, flour, water and time. Query: what causes tides? no",
    "Please write a question based on this passage. true false yes no yes no true false",
    *["yes", "no", "true", "tides", "bread"] * 5,
    "user assistant system user assistant system moon sun sea bread tides yeast",
]
SIZES = {
    "vocab_size": 384, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 256, "initializer_range": 0.4,
    "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
ARCHITECTURES = ("qwen3", "qwen2", "llama", "gemma", "gemma2", "mistral", "t5")


def byte_pairs(*, begins: bool, template: str | None = TEMPLATE):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<s>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=380, special_tokens=special, initial_alphabet=alphabet)
    made.train_from_iterator(LINES * 3, trainer)
    if begins:
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    made.add_tokens(["<think>", "</think>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="<|im_end|>", chat_template=template, model_max_length=256
    )


def pieces():
    """As SentencePiece has it for T5: words with and without the mark of a space before them, and single characters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for line in LINES for word in line.replace(".", " ").replace(",", " ").split()})
    known = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\n", -9.0)]
    known += [(chr(code), -9.0) for code in range(33, 127)] + [("▁", -9.0)]
    known += [(mark + word, -2.0) for word in words if len(word) > 1 for mark in ("▁", "")]
    made = Tokenizer(models.Unigram(known, unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=128
    )


def save(kind: str, folder: Path) -> Path:
    """A folder with a random model of this kind."""
    import torch

    torch.manual_seed(7)
    if kind == "t5":
        pieces().save_pretrained(folder)
    elif kind.startswith("gemma"):
        byte_pairs(begins=True, template=GEMMA_TEMPLATE).save_pretrained(folder)
    else:
        byte_pairs(begins=kind in ("llama", "mistral")).save_pretrained(folder)
    module = _module(kind)
    module.generation_config.eos_token_id = module.config.eos_token_id
    module.save_pretrained(folder)
    return folder


def _module(kind: str):
    import transformers as t

    if kind == "t5":
        shape = {"vocab_size": 256, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
        return t.T5ForConditionalGeneration(
            t.T5Config(**shape, initializer_factor=2.0, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
        )
    if kind == "qwen3":
        return t.Qwen3ForCausalLM(t.Qwen3Config(**SIZES, tie_word_embeddings=True))
    if kind == "qwen2":
        return t.Qwen2ForCausalLM(t.Qwen2Config(**SIZES))
    if kind == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**SIZES))
    if kind == "gemma":
        return t.GemmaForCausalLM(t.GemmaConfig(**SIZES))
    if kind == "gemma2":
        more = {"sliding_window": 40, "final_logit_softcapping": 5.0, "query_pre_attn_scalar": 8}
        return t.Gemma2ForCausalLM(t.Gemma2Config(**SIZES, **more))
    return t.MistralForCausalLM(t.MistralConfig(**SIZES, sliding_window=48))
