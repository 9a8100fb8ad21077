"""A tiny language model, made here: a GPT-2 of one layer with a tokenizer of its own, taught a few sentences."""

from __future__ import annotations

import json
from pathlib import Path

from synthkit.generators.taught.llm_columns import ALONE

SENTENCES = [
    "The service was quick and the bill was clear.",
    "I waited long on the line, but they were kind.",
    "My contract ended early and nobody told me why.",
    "A good offer for the price, and the network holds.",
    "They sent the wrong device and took it back at once.",
]


def tiny_model(folder: Path, steps: int = 80) -> Path:
    """Weights and tokenizer in ``folder``: the same for the same number of steps."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    lines = [
        f"{ALONE}\n\nRow: {json.dumps({'tier': i % 3})}\nthe review:\n{s}<end>" for i, s in enumerate(SENTENCES * 3)
    ]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=400, special_tokens=["<end>"], initial_alphabet=alphabet)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<end>", bos_token="<end>")
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        config = GPT2Config(
            vocab_size=len(tokenizer), n_positions=512, n_embd=32, n_layer=1, n_head=2, eos_token_id=0, bos_token_id=0,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        )  # fmt: skip
        model = GPT2LMHeadModel(config)
        tokenizer.pad_token = "<end>"
        batch = tokenizer(lines, return_tensors="pt", padding=True)
        labels = batch["input_ids"].clone()
        labels[:, :-30] = -100  # it learns the sentences, not the prompt; padding is ends of texts
        learner = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(steps):
            learner.zero_grad()
            model(**batch, labels=labels).loss.backward()
            learner.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
