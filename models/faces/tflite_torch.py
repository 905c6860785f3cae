"""A ``.tflite`` network as a torch module: one batch of any size, on any device.

Values keep the axes of the file, (batch, height, width, channels), and the file's batch of one
becomes a batch of N whose items never see each other. To a convolution the same memory is torch's
``channels_last`` layout, so nothing is moved to change its layout; every step keeps the layout that
it is given. Everything is float32.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.errors import EngineInputError
from models.faces.tflite_graph import Graph, Operation, read_graph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Compute = Callable[..., Tensor]
"""From a step's float inputs, in the file's order, to its output."""

_FLAGS = threading.Lock()
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "NONE": lambda x: x,
    "RELU": torch.relu,
    "RELU6": lambda x: x.clamp(0, 6),
}
_ARITHMETIC: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ADD": torch.add,
    "SUB": torch.sub,
    "MUL": torch.mul,
    "DIV": torch.div,
    "SQUARED_DIFFERENCE": lambda x, y: (x - y).square(),
}
_ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "RELU": torch.relu,
    "LOGISTIC": torch.sigmoid,
    "NEG": torch.neg,
    "SQRT": torch.sqrt,
    "RSQRT": torch.rsqrt,
}


@dataclass(frozen=True, slots=True)
class _Step:
    compute: Compute
    inputs: tuple[int, ...]
    output: int
    done_with: tuple[int, ...]
    """Values that no later step needs: their memory is free for the next."""


class TorchNetwork(torch.nn.Module):
    """The network in a ``.tflite`` file.

    `forward` takes one batch (n, height, width, channels), or (n, ...) as the file says, and
    gives the file's outputs in the file's order, each (n, ...).

    Parameters
    ----------
    weights
        The file, or its content.
    channels_last
        Memory layout of images inside; False puts all rows of a channel together. Which is faster
        is up to the device; results agree to rounding.

    Raises
    ------
    EngineInputError
        The file is no ``.tflite`` file, or uses an operation that is not known here.

    """

    def __init__(self, weights: Path | bytes, *, channels_last: bool = True) -> None:
        super().__init__()
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        graph = read_graph(weights)
        (self._input,) = graph.inputs
        self._outputs = graph.outputs
        self.input_shape = graph.shapes[self._input][1:]
        """Of one item."""
        self.output_sizes = tuple(int(np.prod(graph.shapes[i])) for i in graph.outputs)
        """Values per item, output by output."""
        self._steps = _steps(graph)
        parameters = _parameters(graph, self._layout)
        self._parameters_at = tuple(parameters)
        for index, values in parameters.items():
            self.register_buffer(f"tensor_{index}", values)
        self.eval()

    @torch.inference_mode()
    def forward(self, items: Tensor) -> tuple[Tensor, ...]:
        """Outputs of a batch of items."""
        if items.shape[1:] != self.input_shape or items.dtype != torch.float32:
            message = (
                f"network got {items.dtype} of shape {tuple(items.shape)}; allowed: float32 of "
                f"shape (n, {', '.join(map(str, self.input_shape))})"
            )
            raise EngineInputError(message)
        values: dict[int, Tensor] = {i: getattr(self, f"tensor_{i}") for i in self._parameters_at}
        values[self._input] = items
        if items.ndim == 4:
            image = items.permute(0, 3, 1, 2).contiguous(memory_format=self._layout)
            values[self._input] = image.permute(0, 2, 3, 1)
        with _in_float32(items.device):
            for step in self._steps:
                values[step.output] = step.compute(*(values[i] for i in step.inputs))
                for index in step.done_with:
                    del values[index]
        return tuple(values[i] for i in self._outputs)


@contextmanager
def _in_float32(device: torch.device) -> Iterator[None]:
    """A card would round factors to 10 bits (TF32) and choose algorithms by trial."""
    if device.type != "cuda":
        yield
        return
    exact = {"enabled": True, "benchmark": False, "deterministic": True, "allow_tf32": False}
    # the flags are the process's: of two threads, one would put them back under the other
    with _FLAGS, torch.backends.cudnn.flags(**exact):
        yield


def _parameters(graph: Graph, layout: torch.memory_format) -> dict[int, Tensor]:
    """Float constants; weights of convolutions in torch's order of axes."""
    found = {
        index: torch.from_numpy(np.array(values, np.float32))
        for index, values in graph.constants.items()
        if values.dtype == np.float32
    }
    for operation in graph.operations:
        if operation.kind in _CONVOLUTIONS:
            weight = torch.from_numpy(np.array(graph.constants[operation.inputs[1]]))
            axes = (0, 3, 1, 2) if operation.kind == "CONV_2D" else (3, 0, 1, 2)
            weight = weight.permute(axes).contiguous(memory_format=layout)
            found[operation.inputs[1]] = weight
    return found


def _steps(graph: Graph) -> tuple[_Step, ...]:
    """Steps in the file's order, each with the values it is the last to use."""
    used: set[int] = set(graph.outputs)
    steps = []
    for operation in reversed(graph.operations):
        if operation.kind not in _BUILDERS:
            message = (
                f"a .tflite network uses the operation {operation.kind}, which is not known here; "
                f"known: {', '.join(sorted(_BUILDERS))}"
            )
            raise EngineInputError(message)
        inputs = tuple(i for i in operation.inputs if i >= 0 and not _is_structure(graph, i))
        done_with = set(inputs) - used - graph.constants.keys()
        used |= done_with
        compute = _BUILDERS[operation.kind](operation, graph)
        steps.append(_Step(compute, inputs, operation.outputs[0], tuple(done_with)))
    return tuple(reversed(steps))


def _is_structure(graph: Graph, index: int) -> bool:
    """Axes, paddings, shapes: read once when a step is built."""
    return index in graph.constants and graph.constants[index].dtype != np.float32


def _integers(operation: Operation, graph: Graph, place: int) -> list[int]:
    """A constant input that says how the operation works."""
    return [int(value) for value in graph.constants[operation.inputs[place]].ravel()]


def _refuse_unless(condition: bool, operation: Operation, what: str) -> None:
    if not condition:
        message = (
            f"operation {operation.kind} of a .tflite network {what}, which is not known here "
            f"(options {operation.options})"
        )
        raise EngineInputError(message)


def _activation(operation: Operation) -> Callable[[Tensor], Tensor]:
    name = str(operation.options.get("fusedActivationFunction", "NONE"))
    _refuse_unless(name in _ACTIVATIONS, operation, f"ends with the activation {name}")
    return _ACTIVATIONS[name]


def _window(operation: Operation, graph: Graph, kernel: tuple[int, int]) -> tuple[int, ...]:
    """Rows and columns added as torch counts them: left, right, top, bottom.

    TensorFlow's SAME padding adds just enough for ceil(size / stride) outputs; where that is an odd
    number, the extra row comes below and the extra column to the right.
    """
    if operation.options["padding"] == "VALID":
        return (0, 0, 0, 0)
    options = operation.options
    strides = (int(options["strideH"]), int(options["strideW"]))
    dilations = (options.get("dilationHFactor", 1), options.get("dilationWFactor", 1))
    pads: list[int] = []
    for axis in (1, 0):
        size = graph.shapes[operation.inputs[0]][1 + axis]
        reach = (kernel[axis] - 1) * int(dilations[axis]) + 1
        steps = -(-size // strides[axis])
        total = max((steps - 1) * strides[axis] + reach - size, 0)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


def _padded(image: Tensor, pads: tuple[int, ...], value: float = 0.0) -> Tensor:
    return functional.pad(image, pads, value=value) if any(pads) else image


def _convolution(operation: Operation, graph: Graph) -> Compute:
    channels = graph.shapes[operation.inputs[0]][3]
    kernel = graph.shapes[operation.inputs[1]][1:3]
    pads = _window(operation, graph, (kernel[0], kernel[1]))
    even = pads[0] == pads[1] and pads[2] == pads[3]
    options: dict[str, Any] = {
        "stride": (operation.options["strideH"], operation.options["strideW"]),
        "dilation": (operation.options["dilationHFactor"], operation.options["dilationWFactor"]),
        "groups": channels if operation.kind == "DEPTHWISE_CONV_2D" else 1,
        "padding": (pads[2], pads[0]) if even else 0,
    }
    activation = _activation(operation)

    def compute(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        image = x.permute(0, 3, 1, 2)
        image = image if even else _padded(image, pads)
        image = functional.conv2d(image, weight, bias, **options)
        return activation(image).permute(0, 2, 3, 1)

    return compute


def _max_pool(operation: Operation, graph: Graph) -> Compute:
    options = operation.options
    kernel = (int(options["filterHeight"]), int(options["filterWidth"]))
    strides = (int(options["strideH"]), int(options["strideW"]))
    pads = _window(operation, graph, kernel)
    activation = _activation(operation)

    def compute(x: Tensor) -> Tensor:
        image = _padded(x.permute(0, 3, 1, 2), pads, -torch.inf)
        return activation(functional.max_pool2d(image, kernel, strides)).permute(0, 2, 3, 1)

    return compute


def _resize_bilinear(operation: Operation, graph: Graph) -> Compute:
    centred = operation.options["halfPixelCenters"] and not operation.options["alignCorners"]
    _refuse_unless(bool(centred), operation, "does not map pixel centres")
    size = tuple(_integers(operation, graph, 1))

    def compute(x: Tensor) -> Tensor:
        image = functional.interpolate(
            x.permute(0, 3, 1, 2), size=size, mode="bilinear", align_corners=False
        )
        return image.permute(0, 2, 3, 1)

    return compute


def _depth_to_space(operation: Operation, _graph: Graph) -> Compute:
    block = int(operation.options["blockSize"])

    def compute(x: Tensor) -> Tensor:
        count, height, width, depth = x.shape
        cells = x.reshape(count, height, width, block, block, depth // block**2)
        cells = cells.permute(0, 1, 3, 2, 4, 5)
        return cells.reshape(count, height * block, width * block, -1)

    return compute


def _prelu(_operation: Operation, _graph: Graph) -> Compute:
    return lambda x, slope: functional.prelu(x.movedim(-1, 1), slope.ravel()).movedim(1, -1)


def _arithmetic(operation: Operation, _graph: Graph) -> Compute:
    combine, activation = _ARITHMETIC[operation.kind], _activation(operation)
    return lambda x, y: activation(combine(x, y))


def _elementwise(operation: Operation, _graph: Graph) -> Compute:
    return _ELEMENTWISE[operation.kind]


def _reduction(operation: Operation, graph: Graph) -> Compute:
    rank = len(graph.shapes[operation.inputs[0]])
    axes = tuple(axis % rank for axis in _integers(operation, graph, 1))
    _refuse_unless(0 not in axes, operation, "reduces over the batch")
    reduce = torch.mean if operation.kind == "MEAN" else torch.sum
    keep = bool(operation.options["keepDims"])
    return lambda x: reduce(x, dim=axes, keepdim=keep)


def _pad(operation: Operation, graph: Graph) -> Compute:
    amounts = _integers(operation, graph, 1)
    pairs = [amounts[i : i + 2] for i in range(0, len(amounts), 2)]
    _refuse_unless(pairs[0] == [0, 0] and len(pairs) == 4, operation, "pads what is no image")
    _, rows, columns, channels = pairs
    around = (*columns, *rows, *channels)
    return lambda x: functional.pad(x.permute(0, 3, 1, 2), around).permute(0, 2, 3, 1)


def _reshape(operation: Operation, graph: Graph) -> Compute:
    shape = graph.shapes[operation.outputs[0]]
    _refuse_unless(shape[0] == 1, operation, "does not keep the batch apart")
    return lambda x: x.reshape(len(x), *shape[1:])


def _transpose(operation: Operation, graph: Graph) -> Compute:
    axes = _integers(operation, graph, 1)
    _refuse_unless(axes[0] == 0, operation, "moves the batch")
    return lambda x: x.permute(axes)


def _concatenation(operation: Operation, graph: Graph) -> Compute:
    axis = int(operation.options["axis"]) % len(graph.shapes[operation.outputs[0]])
    _refuse_unless(axis > 0, operation, "joins batches")
    activation = _activation(operation)

    def compute(*parts: Tensor) -> Tensor:
        count = max(len(part) for part in parts)  # a constant part is there once
        return activation(torch.cat([p.expand(count, *p.shape[1:]) for p in parts], dim=axis))

    return compute


def _strided_slice(operation: Operation, graph: Graph) -> Compute:
    """The first axis is the batch and stays whole, also where the file drops its batch of one."""
    options = operation.options
    plain = not options["ellipsisMask"] and not options["newAxisMask"]
    _refuse_unless(plain, operation, "uses an ellipsis or a new axis")
    begins, ends, strides = (_integers(operation, graph, place) for place in (1, 2, 3))
    whole = graph.shapes[operation.inputs[0]][0] == 1
    _refuse_unless(whole and strides[0] == 1, operation, "slices the batch")
    index: list[slice | int] = [slice(None)]
    for axis in range(1, len(begins)):
        bit = 1 << axis
        if int(options["shrinkAxisMask"]) & bit:
            index.append(begins[axis])
            continue
        begin = None if int(options["beginMask"]) & bit else begins[axis]
        end = None if int(options["endMask"]) & bit else ends[axis]
        index.append(slice(begin, end, strides[axis]))
    return lambda x: x[tuple(index)]


_BUILDERS: dict[str, Callable[[Operation, Graph], Compute]] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    "CONCATENATION": _concatenation,
    "DEPTH_TO_SPACE": _depth_to_space,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _reduction,
    "PAD": _pad,
    "PRELU": _prelu,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize_bilinear,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _reduction,
    "TRANSPOSE": _transpose,
}
