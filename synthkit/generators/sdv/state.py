"""A trained SDV synthesizer on disk without pickle: a JSON graph of objects, and safetensors for the numbers.

Pickle runs whatever code a file asks for. Here a file can only name classes of an allow-list, and loading one of its
objects makes an empty instance and sets its attributes: nothing is called.
"""

from __future__ import annotations

import importlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from synthkit.errors import BuildError
from synthkit.files import Json

FORMAT = 1
_AGAIN = "build again with --full-refresh"
ALLOWED = ("sdv.", "rdt.", "copulas.", "ctgan.", "deepecho.", "sklearn.mixture.", "torch.nn.modules.", "scipy.stats.")
# Templates for columns that synthkit makes up itself; they hold a whole Faker, and are never used after fitting.
KEPT = ("IndexGenerator",)  # numbers the keys of several tables
DROPPED = ("faker.", "rdt.transformers.pii.", "rdt.transformers.id.", "rdt.transformers.text.")


def save_state(value: Any, directory: Path) -> None:
    """Write the object graph below ``value`` into the folder. Raises BuildError for what cannot be written."""
    from safetensors.numpy import save_file

    encoder = _Encoder()
    graph = encoder.encode(value)
    (directory / "graph.json").write_text(json.dumps({"format": FORMAT, "root": graph}, ensure_ascii=False), "utf-8")
    save_file(encoder.arrays, str(directory / "arrays.safetensors"))


def load_state(directory: Path) -> Any:
    """Read back what :func:`save_state` wrote. Raises BuildError for a file that is not ours."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        data = json.loads((directory / "graph.json").read_text("utf-8"))
        if data["format"] == FORMAT:
            return _Decoder(load_file(str(directory / "arrays.safetensors"))).decode(data["root"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError, SafetensorError) as error:
        raise BuildError(f"the model in {directory} cannot be read: {error}", hint=_AGAIN) from error
    raise BuildError(f"the model in {directory} was written in another format", hint=_AGAIN)


def allowed_class(name: str) -> type:
    """The class of that qualified name, if the allow-list has its module. Raises BuildError.

    A module also shows what it imports (``sdv.metadata:os.system``), so the class found must have the name asked for.
    """
    module, _, qualname = name.partition(":")
    if not any(f"{module}.".startswith(prefix) for prefix in ALLOWED):
        raise BuildError(f"a stored model names {name!r}, which it may not", hint=_AGAIN)
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type) or _name_of(found) != name:
        raise BuildError(f"a stored model names {name!r}, which it may not: no class of that module", hint=_AGAIN)
    return found


def _name_of(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


class _Encoder:
    """Values to JSON. Objects seen before become references, so that sharing and cycles survive."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.seen: dict[int, int] = {}
        self.alive: list[Any] = []  # keeps ids unique while encoding

    def encode(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | str) or type(value) is int:
            return value
        if type(value) is float:
            return {"f": repr(value)}
        number = self.seen.get(id(value))
        if number is not None:
            return {"ref": number}
        encoded = self._leaf(value)
        if encoded is not None:
            return encoded
        number = len(self.alive)
        self.seen[id(value)] = number
        self.alive.append(value)
        return {"id": number, **self._node(value)}

    def _leaf(self, value: Any) -> Any:
        """Values without identity: numbers, arrays, dtypes, times."""
        import numpy as np
        import pandas as pd

        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return {"scalar": value.dtype.str, "v": self.encode(value.item())}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, pd.api.extensions.ExtensionDtype):
            return {"pd_dtype": str(value)}
        if value is pd.NaT or value is pd.NA:
            return {"missing": "NaT" if value is pd.NaT else "NA"}
        if isinstance(value, pd.Timestamp):
            return {"time": value.isoformat()}
        if isinstance(value, np.random.RandomState):
            kind, keys, position, has_gauss, cached = value.get_state(legacy=True)
            return {"rng": [kind, self._array(keys), int(position), int(has_gauss), repr(float(cached))]}
        if isinstance(value, type):
            return self._type(value)
        return self._torch_leaf(value)

    def _torch_leaf(self, value: Any) -> Any:
        module = type(value).__module__
        if not module.startswith("torch"):
            return None
        import torch

        if isinstance(value, torch.nn.Parameter):
            return {"parameter": self._array(value.detach().cpu().numpy()), "grad": value.requires_grad}
        if isinstance(value, torch.Tensor):
            return {"tensor": self._array(value.detach().cpu().numpy())}
        if isinstance(value, torch.device):
            return {"device": "cpu"}  # the machine that loads it may have no GPU
        if isinstance(value, torch.Generator):
            return {"torch_rng": self._array(value.get_state().numpy())}
        if isinstance(value, torch.dtype):
            return {"torch_dtype": str(value).removeprefix("torch.")}
        return None

    def _type(self, cls: type) -> Any:
        if cls in (int, float, str, bool, object):
            return {"builtin": cls.__name__}
        allowed_class(_name_of(cls))
        return {"class": _name_of(cls)}

    def _array(self, value: Any) -> Any:
        import numpy as np

        if value.dtype.kind in "biuf":
            name = f"a{len(self.arrays)}"
            self.arrays[name] = np.ascontiguousarray(value)
            return {"array": name, "shape": list(value.shape)}
        if value.dtype.kind in "Mm":
            return {"times": value.dtype.str, "v": self._array(value.astype("int64"))}
        return {"objects": [self.encode(v) for v in value.ravel().tolist()], "shape": list(value.shape)}

    def _node(self, value: Any) -> dict[str, Any]:
        import pandas as pd

        if isinstance(value, OrderedDict):
            return {"odict": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if type(value) is dict or type(value).__name__ == "defaultdict":
            return {"dict": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if type(value) is list:
            return {"list": [self.encode(v) for v in value]}
        if type(value) in (set, frozenset):
            return {type(value).__name__: [self.encode(v) for v in sorted(value, key=repr)]}
        if isinstance(value, tuple):
            items = [self.encode(v) for v in value]
            return {"tuple": items} if type(value) is tuple else {"named": _name_of(type(value)), "items": items}
        if isinstance(value, pd.DataFrame):
            columns = [self.encode(value.iloc[:, i]) for i in range(value.shape[1])]
            return {"frame": columns, "index": self.encode(value.index), "names": self.encode(list(value.columns))}
        if isinstance(value, pd.Series):
            return {
                "series": self.encode(value.to_numpy()),
                "index": self.encode(value.index),
                "name": self.encode(value.name),
            }
        if isinstance(value, pd.Index):
            return {"index_of": self.encode(value.to_numpy()), "name": self.encode(value.name)}
        return self._object(value)

    def _object(self, value: Any) -> dict[str, Any]:
        module = type(value).__module__
        dropped = any(f"{module}.".startswith(prefix) for prefix in DROPPED) and type(value).__name__ not in KEPT
        if dropped or type(value).__name__ in ("generator", "ReferenceType"):
            return {"dropped": type(value).__name__}
        owner = getattr(value, "__self__", None)
        if callable(value) and owner is not None and not isinstance(owner, type):
            return {"method": value.__name__, "of": self.encode(owner)}
        if not hasattr(value, "__dict__"):
            raise BuildError(f"a trained SDV model holds a {type(value).__qualname__}, which cannot be stored")
        name = _name_of(type(value))
        allowed_class(name)
        return {"object": name, "state": [[k, self.encode(v)] for k, v in vars(value).items()]}


class _Decoder:
    """JSON to values; the mirror of :class:`_Encoder`."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self.arrays = arrays
        self.made: dict[int, Any] = {}

    def decode(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if "ref" in node:
            return self.made[node["ref"]]
        if "id" in node:
            return self._node(node, node["id"])
        return self._leaf(node)

    def _leaf(self, node: Json) -> Any:
        import numpy as np
        import pandas as pd

        if "f" in node:
            return float(node["f"])
        if "array" in node:
            return np.array(self.arrays[node["array"]]).reshape(node["shape"])
        if "times" in node:
            return self.decode(node["v"]).astype(node["times"])
        if "objects" in node:
            flat = np.empty(len(node["objects"]), dtype=object)
            flat[:] = [self.decode(v) for v in node["objects"]]
            return flat.reshape(node["shape"])
        if "scalar" in node:
            return np.dtype(node["scalar"]).type(self.decode(node["v"]))
        if "dtype" in node:
            return np.dtype(node["dtype"])
        if "pd_dtype" in node:
            return pd.api.types.pandas_dtype(node["pd_dtype"])
        if "missing" in node:
            return pd.NaT if node["missing"] == "NaT" else pd.NA
        if "time" in node:
            return pd.Timestamp(node["time"])
        if "rng" in node:
            kind, keys, position, has_gauss, cached = node["rng"]
            state = np.random.RandomState()
            state.set_state((kind, self.decode(keys), position, has_gauss, float(cached)))
            return state
        if "builtin" in node:
            return {"int": int, "float": float, "str": str, "bool": bool, "object": object}[node["builtin"]]
        if "class" in node:
            return allowed_class(node["class"])
        return self._torch_leaf(node)

    def _torch_leaf(self, node: Json) -> Any:
        import torch

        if "parameter" in node:
            return torch.nn.Parameter(torch.from_numpy(self.decode(node["parameter"])), requires_grad=node["grad"])
        if "tensor" in node:
            return torch.from_numpy(self.decode(node["tensor"]))
        if "device" in node:
            return torch.device("cpu")
        if "torch_rng" in node:
            generator = torch.Generator()
            generator.set_state(torch.from_numpy(self.decode(node["torch_rng"])))
            return generator
        if "torch_dtype" in node:
            found = getattr(torch, node["torch_dtype"])
            if isinstance(found, torch.dtype):
                return found
        raise BuildError(f"a stored model holds {sorted(node)}, which is not understood", hint=_AGAIN)

    def _node(self, node: Json, number: int) -> Any:
        # Containers are registered before their contents are read, so that a cycle finds them.
        if "object" in node:
            cls = allowed_class(node["object"])
            made: Any = object.__new__(cls)
            self.made[number] = made
            made.__dict__.update({k: self.decode(v) for k, v in node["state"]})
            return made
        for key, empty in (("dict", dict), ("odict", OrderedDict)):
            if key in node:
                mapping: dict[Any, Any] = empty()
                self.made[number] = mapping
                for k, v in node[key]:
                    mapping[self.decode(k)] = self.decode(v)
                return mapping
        if "list" in node:
            items: list[Any] = []
            self.made[number] = items
            items.extend(self.decode(v) for v in node["list"])
            return items
        self.made[number] = self._immutable(node)
        return self.made[number]

    def _immutable(self, node: Json) -> Any:
        import pandas as pd

        simple: tuple[tuple[str, Callable[[Any], Any]], ...] = (
            ("tuple", tuple),
            ("set", set),
            ("frozenset", frozenset),
        )
        for key, make in simple:
            if key in node:
                return make(self.decode(v) for v in node[key])
        if "named" in node:
            cls: Any = allowed_class(node["named"])
            return tuple.__new__(cls, [self.decode(v) for v in node["items"]])
        if "frame" in node:
            columns = [self.decode(c) for c in node["frame"]]
            frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=self.decode(node["index"]))
            frame.columns = pd.Index(self.decode(node["names"]))
            return frame
        if "series" in node:
            return pd.Series(
                self.decode(node["series"]), index=self.decode(node["index"]), name=self.decode(node["name"])
            )
        if "index_of" in node:
            return pd.Index(self.decode(node["index_of"]), name=self.decode(node["name"]))
        if "method" in node:
            return getattr(self.decode(node["of"]), node["method"])
        if "dropped" in node:
            return None
        raise BuildError(f"a stored model holds {sorted(node)}, which is not understood", hint=_AGAIN)
