"""A ``.tflite`` file as a plain description of what it computes.

The file is a flatbuffer; its tables are read with the schema that LiteRT ships. Constants come out
ready to use: half precision is widened to float32 and sparse weights are filled with their zeros,
so that neither DEQUANTIZE nor DENSIFY is left for whoever runs the graph.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from models.errors import EngineInputError

Shape = tuple[int, ...]

_DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.FLOAT16: np.dtype(np.float16),
    schema.TensorType.INT32: np.dtype(np.int32),
    schema.TensorType.INT64: np.dtype(np.int64),
}
_OPERATORS = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
_ACTIVATIONS = {v: k for k, v in vars(schema.ActivationFunctionType).items() if isinstance(v, int)}
_PADDINGS = {v: k for k, v in vars(schema.Padding).items() if isinstance(v, int)}
_FOLDED = ("DEQUANTIZE", "DENSIFY")
"""Operations on constants that only undo how the file stores them."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One step. Tensors are named by their number in the file."""

    kind: str
    """As TensorFlow Lite writes it, for example ``CONV_2D``."""
    inputs: tuple[int, ...]
    """-1 stands for an optional input that is not there."""
    outputs: tuple[int, ...]
    options: dict[str, Any]
    """By the schema's names; ``padding`` and ``fusedActivationFunction`` as words."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: operations in an order in which they can be computed."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operations: tuple[Operation, ...]
    shapes: dict[int, Shape]
    """Of every tensor, for one item; images are (1, height, width, channels)."""
    constants: dict[int, NDArray[Any]]


def read_graph(weights: Path | bytes) -> Graph:
    """The graph in a ``.tflite`` file, or in its content.

    Raises
    ------
    EngineInputError
        This is no ``.tflite`` file, or it stores weights in a way that is not known here.

    """
    content = weights if isinstance(weights, bytes) else weights.read_bytes()
    if content[4:8] != b"TFL3":
        message = (
            f"not a .tflite file: bytes 4 to 8 are {content[4:8]!r}; a .tflite file has b'TFL3'"
        )
        raise EngineInputError(message)
    try:
        model = schema.ModelT.InitFromPackedBuf(content, 0)
    except (struct.error, IndexError, ValueError, TypeError) as error:
        message = f"damaged .tflite file of {len(content)} bytes: {error}"
        raise EngineInputError(message) from error
    (subgraph,) = model.subgraphs
    codes = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    operations = [_operation(table, codes) for table in subgraph.operators]
    constants = _stored(model, subgraph)
    kept = []
    for operation in operations:
        if operation.kind in _FOLDED and operation.inputs[0] in constants:
            constants[operation.outputs[0]] = _unpacked(constants[operation.inputs[0]])
        else:
            kept.append(operation)
    return Graph(
        inputs=tuple(int(i) for i in subgraph.inputs),
        outputs=tuple(int(i) for i in subgraph.outputs),
        operations=tuple(kept),
        shapes={i: _shape(tensor) for i, tensor in enumerate(subgraph.tensors)},
        constants=_used(constants, kept),
    )


def _operation(table: Any, codes: list[int]) -> Operation:
    options = {} if table.builtinOptions is None else dict(vars(table.builtinOptions))
    if "fusedActivationFunction" in options:
        options["fusedActivationFunction"] = _ACTIVATIONS[options["fusedActivationFunction"]]
    if "padding" in options:
        options["padding"] = _PADDINGS[options["padding"]]
    return Operation(
        kind=_OPERATORS[codes[table.opcodeIndex]],
        inputs=tuple(int(i) for i in table.inputs),
        outputs=tuple(int(i) for i in table.outputs),
        options=options,
    )


def _shape(tensor: Any) -> Shape:
    return () if tensor.shape is None else tuple(int(length) for length in tensor.shape)


def _stored(model: Any, subgraph: Any) -> dict[int, NDArray[Any]]:
    """Tensors whose values are in the file, dense."""
    found = {}
    for index, tensor in enumerate(subgraph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            continue
        if tensor.type not in _DTYPES:
            message = (
                f"tensor {tensor.name!r} of a .tflite file holds type {tensor.type}; "
                f"allowed: {sorted(str(one) for one in _DTYPES.values())}"
            )
            raise EngineInputError(message)
        values = np.asarray(data, np.uint8).view(_DTYPES[tensor.type])
        dense = values if tensor.sparsity is None else _dense(values, tensor)
        found[index] = dense.reshape(_shape(tensor))
    return found


def _dense(values: NDArray[Any], tensor: Any) -> NDArray[Any]:
    """Sparse weights with their zeros: every row holds the columns where it is not zero."""
    shape, sparsity = _shape(tensor), tensor.sparsity
    *outer, last = sparsity.dimMetadata
    in_order = list(sparsity.traversalOrder) == list(range(len(shape)))
    rows_are_whole = all(one.format == schema.DimensionType.DENSE for one in outer)
    if not in_order or not rows_are_whole or last.format != schema.DimensionType.SPARSE_CSR:
        message = (
            f"tensor {tensor.name!r} of a .tflite file is sparse in another way than row by row "
            "(all dimensions dense but the last), which is all that is known here"
        )
        raise EngineInputError(message)
    starts = np.asarray(last.arraySegments.values, np.intp)
    columns = np.asarray(last.arrayIndices.values, np.intp)
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    dense = np.zeros((len(starts) - 1, shape[-1]), values.dtype)
    # the stored values may be padded to whole words
    dense[rows, columns] = values[: len(columns)]
    return dense


def _unpacked(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _used(
    constants: dict[int, NDArray[Any]], operations: list[Operation]
) -> dict[int, NDArray[Any]]:
    wanted = {index for operation in operations for index in operation.inputs}
    return {index: values for index, values in constants.items() if index in wanted}
