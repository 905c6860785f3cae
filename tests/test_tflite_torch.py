"""Our .tflite reader and its torch module against LiteRT, on real networks and on made ones."""

from __future__ import annotations

import zipfile

import flatbuffers
import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from skimage.transform import resize

from models.errors import EngineInputError
from models.faces.tflite_graph import read_graph
from models.faces.tflite_torch import TorchNetwork
from tests.made.face_scenes import portrait, task_bundle, weight

CATALOG = (
    "mediapipe-face-detector-short",
    "mediapipe-face-detector-full",
    "mediapipe-face-mesh-468",
    "mediapipe-iris",
)
MEMBERS = ("face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite")
RANGE_SHARE = 1e-4
BATCH_SHARE = 1e-5


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def content(name):
    if name in MEMBERS:
        return zipfile.ZipFile(task_bundle()).read(name)
    return weight(name).read_bytes()


def items(shape):
    """Two of noise and, for images, a real face; for landmarks, pixels."""
    noise = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    if len(shape) == 2:
        return noise * 300
    face = resize(portrait(), shape, anti_aliasing=True).astype(np.float32)
    return np.concatenate([noise, face[None]])


def by_litert(weights, batch):
    """Outputs in the file's order, each (n, values)."""
    network = Interpreter(model_content=weights, num_threads=1)
    network.allocate_tensors()
    place = network.get_input_details()[0]["index"]
    rows = []
    for item in batch:
        network.set_tensor(place, item[None])
        network.invoke()
        outputs = network.get_output_details()
        rows.append([network.get_tensor(one["index"]).ravel() for one in outputs])
    return [np.stack(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("name", [*CATALOG, *MEMBERS])
def test_every_network_gives_what_litert_gives_alone_and_in_a_batch(name):
    weights = content(name)
    network = TorchNetwork(weights)
    batch = items(network.input_shape)
    together = network(torch.from_numpy(batch))
    alone = [network(torch.from_numpy(item[None])) for item in batch]
    for place, truth in enumerate(by_litert(weights, batch)):
        ours = together[place].reshape(len(batch), -1).numpy()
        assert ours.shape == truth.shape
        spread = max(np.ptp(truth), 1.0)  # a lone value is a logit or a probability
        assert np.abs(ours - truth).max() <= RANGE_SHARE * spread
        single = np.concatenate([one[place].reshape(1, -1).numpy() for one in alone])
        assert np.abs(ours - single).max() <= BATCH_SHARE * spread


@pytest.mark.parametrize("name", CATALOG)
def test_the_memory_layout_changes_no_result(name):
    weights = content(name)
    networks = [TorchNetwork(weights, channels_last=chosen) for chosen in (True, False)]
    batch = torch.from_numpy(items(networks[0].input_shape))
    for one, other in zip(*(network(batch) for network in networks), strict=True):
        spread = max(float(one.max() - one.min()), 1.0)
        assert float((one - other).abs().max()) <= BATCH_SHARE * spread


def made(code, options, options_type, shapes, constants):
    """A network of one operation. `shapes` are those of its input and output."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    operator, operation = schema.OperatorCodeT(), schema.OperatorT()
    operator.builtinCode = operator.deprecatedBuiltinCode = code
    operator.version, model.version = 1, 3
    model.buffers, graph.tensors = [schema.BufferT()], []
    for shape, values in [(shapes[0], None), *((c.shape, c) for c in constants), (shapes[1], None)]:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), schema.TensorType.FLOAT32, b"t"
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(tensor)
    last = len(graph.tensors) - 1
    operation.opcodeIndex, operation.inputs, operation.outputs = 0, list(range(last)), [last]
    operation.builtinOptions, operation.builtinOptionsType = options, options_type
    graph.inputs, graph.outputs, graph.operators = [0], [last], [operation]
    model.operatorCodes, model.subgraphs = [operator], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("size", [5, 6, 9])
@pytest.mark.parametrize("kernel", [2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding_lies_where_tensorflow_puts_it(size, kernel, stride):
    options = schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH = options.strideW = stride
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    rng = np.random.default_rng(1)
    constants = [rng.normal(size=(3, kernel, kernel, 2)), rng.normal(size=3)]
    side = -(-size // stride)
    weights = made(
        schema.BuiltinOperator.CONV_2D,
        options,
        schema.BuiltinOptions.Conv2DOptions,
        [(1, size, size + 1, 2), (1, side, -(-(size + 1) // stride), 3)],
        constants,
    )
    batch = rng.normal(size=(2, size, size + 1, 2)).astype(np.float32)
    (truth,) = by_litert(weights, batch)
    (ours,) = TorchNetwork(weights)(torch.from_numpy(batch))
    np.testing.assert_allclose(ours.reshape(2, -1).numpy(), truth, atol=1e-5)


def test_an_unknown_operation_is_named():
    weights = made(schema.BuiltinOperator.COS, None, 0, [(1, 2), (1, 2)], [])
    with pytest.raises(EngineInputError, match=r"COS, which is not known here; known: ADD, CONC"):
        TorchNetwork(weights)


def test_an_operation_across_the_batch_is_refused():
    options = schema.ConcatenationOptionsT()
    options.axis = 0
    kind = schema.BuiltinOptions.ConcatenationOptions
    shapes = [(1, 2), (2, 2)]
    weights = made(schema.BuiltinOperator.CONCATENATION, options, kind, shapes, [np.ones((1, 2))])
    with pytest.raises(
        EngineInputError, match=r"CONCATENATION of a \.tflite network joins batches"
    ):
        TorchNetwork(weights)


def test_other_files_are_refused():
    with pytest.raises(EngineInputError, match=r"not a \.tflite file"):
        read_graph(b"PK\3\4 a bundle")
    with pytest.raises(EngineInputError, match=r"damaged \.tflite file"):
        read_graph(content("mediapipe-iris")[:4000])


def test_items_of_another_shape_are_refused():
    network = TorchNetwork(content("mediapipe-iris"))
    with pytest.raises(EngineInputError, match=r"shape \(1, 63, 64, 3\).*\(n, 64, 64, 3\)"):
        network(torch.zeros(1, 63, 64, 3))


def test_constants_come_out_dense_and_in_single_precision():
    graph = read_graph(content("mediapipe-face-detector-full"))
    kinds = {operation.kind for operation in graph.operations}
    assert not kinds & {"DEQUANTIZE", "DENSIFY"}
    weights = [v for v in graph.constants.values() if v.dtype != np.int32]
    assert {v.dtype for v in weights} == {np.dtype(np.float32)}
    sparse = [v for v in weights if v.ndim == 4 and (v == 0).mean() > 0.5]
    assert len(sparse) == 46  # as many as the file marks as sparse
