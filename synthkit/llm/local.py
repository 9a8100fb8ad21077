"""A small language model that runs in the build: texts for the rows of a request, a batch at a time.

It is not asked for JSON, which small models write badly: each text is one completion, and the answer is put together
here in the form that other teachers give it. A batch is made of one request's rows, so which rows stand together, and
how they are padded, follows from the request alone: the same request gives the same texts on the same machine.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from synthkit.errors import BuildError
from synthkit.llm.folder import path_of, refuse_unusable
from synthkit.llm.messages import Message, Payload
from synthkit.llm.spec import TeacherParams
from synthkit.llm.transport import BatchItem, Reply

if TYPE_CHECKING:
    import torch

BATCH = 16  # rows of one forward pass, however many a request has: it bounds memory


class LocalModel:
    """One request at a time; the model is loaded with the first. Nothing is fetched, but a hub's model that is not in
    the cache of this machine."""

    def __init__(self, teacher: TeacherParams, root: Path, device: Callable[[], Any]) -> None:
        self._teacher, self._root, self._device = teacher, root, device
        self._lock = threading.Lock()
        self._closed = False
        self._loaded: tuple[Any, Any] | None = None

    async def ask(self, payload: Payload) -> Reply:
        """The texts of a request's rows.

        Raises:
            BuildError: the model cannot be loaded, a row is too long for it, or it was closed.
        """
        return await asyncio.to_thread(self._answer, payload)

    def _answer(self, payload: Payload) -> Reply:
        with self._lock:  # one after the other: they would share the memory
            self._go_on()
            model, tokenizer = self._load()
            rows = [dict(json.loads(row)) for row in payload["rows"]]
            texts: list[dict[str, str]] = [{} for _ in rows]
            sent = made = 0
            for column, (name, what) in enumerate(payload["columns"]):
                prompts = [
                    _asked(tokenizer, payload["system"][0]["text"], {**row, **written}, what)
                    for row, written in zip(rows, texts, strict=True)
                ]
                for start in range(0, len(prompts), BATCH):
                    self._go_on()
                    part = prompts[start : start + BATCH]
                    seed = None if "seed" not in payload else payload["seed"] + column * len(rows) + start
                    found, counted = self._complete(model, tokenizer, part, payload, seed)
                    sent, made = sent + counted[0], made + counted[1]
                    for index, text in enumerate(found, start):
                        texts[index][name] = text
        items = [
            {payload["number"]: number, **written}
            for number, written in enumerate(texts, 1)
            if all(written.values())  # a row without a text is one that the answer leaves out
        ]
        message = {
            "type": "message",
            "model": payload["model"],
            "content": [{"type": "text", "text": json.dumps({"items": items}, ensure_ascii=False)}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": sent, "output_tokens": made},
        }
        return Reply(cast(Message, message), "local")

    def _go_on(self) -> None:
        """Raises BuildError once it is closed: nobody waits for the answer then, but Python, before it can end."""
        if self._closed:
            raise BuildError("the build ended before the texts were written")

    def _complete(
        self, model: Any, tokenizer: Any, prompts: Sequence[str], payload: Payload, seed: int | None
    ) -> tuple[list[str], tuple[int, int]]:
        """Texts, and the tokens sent and made."""
        import torch

        batch = tokenizer(list(prompts), return_tensors="pt", padding=True, add_special_tokens=not _chats(tokenizer))
        width, most = batch["input_ids"].shape[1], payload["max_tokens"]
        room = getattr(model.config, "max_position_embeddings", None)
        if room is not None and width + most > room:
            raise BuildError(
                # how long it is would tell of rows that may be protected
                f"a row, and max_tokens: {most} of text, are more than the {room} tokens that the model takes",
                hint="show fewer columns (show:), or lower teacher.max_tokens",
            )
        how: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if seed is not None:
            how = {"do_sample": True, "temperature": payload["temperature"], "top_p": 1.0, "top_k": 0}
        given = {k: batch[k].to(model.device) for k in ("input_ids", "attention_mask")}
        with torch.inference_mode(), torch.random.fork_rng(_cuda(model)):
            torch.manual_seed(seed or 0)
            out = model.generate(**given, max_new_tokens=most, pad_token_id=tokenizer.pad_token_id, num_beams=1, **how)
        new = out[:, width:].cpu()
        said = tokenizer.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        made = int((new != tokenizer.pad_token_id).sum())
        return [_text(one, _chats(tokenizer)) for one in said], (int(batch["attention_mask"].sum()), made)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            refuse_unusable(self._teacher, self._root)
            self._loaded = _loaded(self._teacher, self._root, self._device)
        return self._loaded

    async def create_batch(self, requests: Mapping[str, Payload]) -> str:
        raise NotImplementedError  # refused by SpendingParams

    async def batch_ended(self, batch: str) -> bool:
        raise NotImplementedError

    async def batch_results(self, batch: str) -> Sequence[BatchItem]:
        raise NotImplementedError

    async def close(self) -> None:
        self._closed, self._loaded = True, None


def _loaded(teacher: TeacherParams, root: Path, device: Callable[[], Any]) -> tuple[Any, Any]:
    """Model and tokenizer. Raises BuildError."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    where = torch.device(device())
    # No code that comes with a model is run, and no pickle is read.
    options: dict[str, Any] = {"trust_remote_code": False}
    if teacher.revision is None:
        name, options["local_files_only"] = str(path_of(teacher.model, root)), True
    else:
        name, options["revision"] = teacher.model, teacher.revision
    kind = torch.float32 if where.type == "cpu" else "auto"  # half precision is slow, and less exact, on a CPU
    cast(Any, logging).disable_progress_bar()  # its bars would stand between ours
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left", **options)
        model = AutoModelForCausalLM.from_pretrained(name, use_safetensors=True, dtype=kind, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise BuildError(
            f"the model {teacher.model!r} cannot be loaded: {error}",
            hint="a causal language model with config.json, *.safetensors and tokenizer.json, of an architecture that "
            "transformers has",
        ) from error
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise BuildError(f"the tokenizer of {teacher.model!r} has no end of a text (eos_token)")
        tokenizer.pad_token = tokenizer.eos_token
    return cast(Any, model).to(where).eval(), tokenizer


def _cuda(model: Any) -> list[torch.device]:
    """The devices beside the CPU whose random numbers are put back afterwards."""
    return [model.device] if model.device.type == "cuda" else []


def _chats(tokenizer: Any) -> bool:
    return tokenizer.chat_template is not None


def _asked(tokenizer: Any, system: str, row: Mapping[str, Any], what: str) -> str:
    """What the model goes on with; of the row, what is shown and what was written already."""
    shown = json.dumps(row, ensure_ascii=False, default=str)
    if not _chats(tokenizer):
        return f"{system}\n\nRow: {shown}\n{what}:\n"
    user = f"Row: {shown}\nWrite: {what}"
    turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    try:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    except Exception:  # templates of some models know no system
        turns = [{"role": "user", "content": f"{system}\n\n{user}"}]
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _text(said: str, chats: bool) -> str:
    """The text, in one line; of a model that goes on without end, what stands before the next one."""
    said = said.rpartition("</think>")[2].strip()
    return " ".join((said if chats else said.partition("\n")[0]).split())
