"""The models in a server's memory: loaded and unloaded by name, within a memory budget."""

from threading import Lock
from typing import NamedTuple

from tabular.portable.files import load_model
from tabular.portable.fleet import BUILT, FORMER, OWN, PARTITIONS, POOLED
from tabular.portable.model import ARRAYS, MANIFEST
from tabular.portable.pickled import PIPELINE
from tabular.portable.table_model import TableModel, UnusableModel
from tabular.serving import memory
from tabular.serving.codec import BadRequest
from tabular.spec import opt_ml

__all__ = ["LoadedModel", "Models", "needed_bytes"]

# Bytes in memory per byte of a manifest's JSON, and the minimum for a model: measured over all kinds.
PER_MANIFEST_BYTE = 8
PER_MODEL = 8_192
PER_PARTITION = 1024  # of a fleet, besides its line
PER_OWN = 20_480  # of an own model that is ready to predict: make bench-fleet-artifact measures both
LARGE = 1 << 20  # bytes: loading a smaller model leaves nothing behind that is worth the time to release it
PER_PICKLE_BYTE = 4  # joblib's files contain the arrays of trees and little else


class LoadedModel(NamedTuple):
    """A loaded model: where it was read from, and the bytes counted for it in the budget."""

    model: TableModel
    url: str
    bytes: int


class Models:
    """Loaded models by name; many threads may call the methods at the same time.

    Args:
        budget: the bytes that all models together may use; None: no limit.
        pickles: the algorithms whose models may be pickles, which are code.
    """

    def __init__(self, budget: int | None = None, pickles: frozenset[str] = frozenset()) -> None:
        self.budget, self.pickles = budget, pickles
        self.used = 0
        self._models: dict[str, LoadedModel] = {}
        self._changing = Lock()  # one load or unload at a time; predictions do not wait for it

    def load(self, name: str, url: str, needed: int | None = None) -> None:
        """Load the model in the folder that SageMaker names.

        Args:
            name: the model's name.
            url: the folder.
            needed: what `needed_bytes` has returned for the folder.

        Raises:
            BadRequest: 409 if it is already loaded, 507 if there is not enough memory, 400 if it is unusable.
        """
        with self._changing:
            if name in self._models:
                raise BadRequest(409, f"Model {name!r} is already loaded.")
            needed = needed_bytes(url) if needed is None else needed
            if self.budget is not None and self.used + needed > self.budget:
                raise BadRequest(
                    507,
                    f"Model {name!r} needs {needed:,} bytes, and the loaded models use {self.used:,} of "
                    f"{self.budget:,}; unload some models first.",
                )
            try:
                model = load_model(opt_ml.rooted(url), self.pickles)
            except UnusableModel as error:
                raise BadRequest(400, str(error)) from None
            except MemoryError:
                raise BadRequest(507, f"There is not enough memory for model {name!r}.") from None
            self._models[name] = LoadedModel(model, url, needed)
            self.used += needed
            if needed > LARGE:
                memory.release()

    def unload(self, name: str) -> None:
        """Unload a model and release its memory; requests in progress keep it until they are answered.

        Raises:
            BadRequest: 404 if it is not loaded.
        """
        with self._changing:
            self.used -= self.find(name).bytes
            del self._models[name]
            memory.release()

    def find(self, name: str) -> LoadedModel:
        """A loaded model.

        Raises:
            BadRequest: 404 if it is not loaded.
        """
        try:
            return self._models[name]
        except KeyError:
            raise BadRequest(404, f"Model {name!r} is not loaded.") from None

    def page(self, start: int, size: int) -> tuple[list[dict[str, str]], bool]:
        """A page of the loaded models as SageMaker lists them, oldest first, and whether there are more."""
        listed = list(self._models.items())
        page = [{"modelName": name, "modelUrl": one.url} for name, one in listed[start : start + size]]
        return page, start + size < len(listed)


def needed_bytes(url: str) -> int:
    """The bytes that a model needs: its arrays, a multiple of its manifest; 0 if files are missing."""
    folder = opt_ml.rooted(url)
    try:
        manifest = (folder / MANIFEST).stat().st_size
        if (pickled := folder / PIPELINE).exists():
            arrays = PER_PICKLE_BYTE * pickled.stat().st_size
        elif (own := folder / OWN).exists():  # counted as if all own models had been asked
            pooled, lines = folder / POOLED, folder / PARTITIONS
            partitions = lines.read_bytes().count(b"\n")
            arrays = own.stat().st_size + lines.stat().st_size + needed_bytes(str(pooled))
            arrays += PER_PARTITION * partitions + PER_OWN * min(partitions, BUILT)
            if (former := folder / FORMER).is_dir():
                arrays += needed_bytes(str(former))
        else:
            arrays = (folder / ARRAYS).stat().st_size
    except (OSError, ValueError):
        return 0  # it is refused when it is read
    return arrays + PER_MANIFEST_BYTE * manifest + PER_MODEL
