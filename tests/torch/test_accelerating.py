"""A module that is accelerated stays the module that it was, but for who computes."""

import copy
import io
import json
import pickle

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from fastconv.torch import accelerate, restore  # noqa: E402
from fastconv.torch.kinds import is_ours  # noqa: E402
from fastconv.torch.table import Cost  # noqa: E402


class Block(nn.Module):
    """A residual block, as they are written by hand."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


def network(dtype=torch.float64):
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(3, 20, 3, padding=1), nn.BatchNorm2d(20), nn.ReLU(inplace=True))
    last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(20, 4))
    return nn.Sequential(first, nn.MaxPool2d(2), Block(20), nn.ConvTranspose2d(20, 20, 2, 2), last).to(dtype)


def images(dtype=torch.float64):
    return torch.randn(4, 3, 12, 12, dtype=dtype, generator=torch.Generator().manual_seed(1))


def trained(module, steps=3, channels_last=False):
    """The losses of some steps."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    x, losses = images(), []
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    for step in range(steps):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(module(x), torch.tensor([0, 1, 2, 3]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_training_goes_the_same_way(channels_last):
    theirs, ours = network(), network()
    report = accelerate(ours)
    assert report.accelerated
    assert sum(choice.ours for choice in report.choices) == 8
    assert trained(ours, channels_last=channels_last) == pytest.approx(trained(theirs), rel=1e-9)
    for (name, a), b in zip(theirs.state_dict().items(), ours.state_dict().values(), strict=True):
        torch.testing.assert_close(b, a, msg=name)
    torch.testing.assert_close(ours.eval()(images()), theirs.eval()(images()), check_stride=False)


def test_names_and_text_are_as_before_and_restore_undoes_it():
    ours, before = network(), network()
    accelerate(ours)
    assert repr(ours) == repr(before)
    assert list(ours.state_dict()) == list(before.state_dict())
    assert isinstance(ours[2].conv1, nn.Conv2d)
    assert is_ours(ours[2].conv1)
    assert is_ours(ours[0])
    accelerate(ours)
    assert type(ours[2].conv1).__mro__.count(nn.Conv2d) == 1
    assert len([kind for kind in type(ours[2].conv1).__mro__ if "replaced" in vars(kind)]) == 1
    restore(ours)
    assert [type(part) for part in ours.modules()] == [type(part) for part in before.modules()]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_compute_with_fastconv_too(copied):
    ours = network()
    accelerate(ours)
    other = copied(ours)
    assert is_ours(other[2].conv1)
    assert type(other[2].conv1) is type(ours[2].conv1)
    assert trained(other) == trained(ours)


def test_torch_saves_and_loads_its_state():
    ours, file = network(), io.BytesIO()
    accelerate(ours)
    trained(ours)
    torch.save(ours.state_dict(), file)
    file.seek(0)
    plain = network()
    plain.load_state_dict(torch.load(file))
    torch.testing.assert_close(plain.eval()(images()), ours.eval()(images()), check_stride=False)


def test_hooks_see_what_they_saw():
    seen = {}
    for name, module in (("theirs", network()), ("ours", network())):
        if name == "ours":
            accelerate(module)
        found = seen[name] = []
        module[2].bn2.register_forward_hook(lambda part, inputs, y, found=found: found.append(y.detach().clone()))
        module[2].bn2.register_full_backward_hook(lambda part, dx, dy, found=found: found.append(dy[0].clone()))
        module[2].conv2.register_forward_pre_hook(lambda part, x, found=found: found.append(x[0].detach().clone()))
        torch.manual_seed(3)
        module(images()).sum().backward()
    assert len(seen["ours"]) == 3
    for a, b in zip(*seen.values(), strict=True):
        torch.testing.assert_close(b, a, check_stride=False)


def test_the_example_decides_by_measuring_and_changes_nothing(tmp_path):
    ours, before = network(), network()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    report = accelerate(ours, images(), tmp_path / "costs.json")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in ours.parameters())
    for a, b in zip(before.state_dict().values(), ours.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert report.step.torch > 0
    assert all(choice.cost for choice in report.choices if not choice.why.startswith("with"))
    assert report.choices[0].shape == "4 x 3 x 12 x 12"
    assert not any(part._forward_pre_hooks for part in ours.modules())
    assert any(map(is_ours, ours.modules())) == report.accelerated


def test_a_table_decides_without_measuring(tmp_path, monkeypatch):
    ours, path = network(), tmp_path / "costs.json"
    monkeypatch.setattr("fastconv.torch.accelerating.layer_cost", lambda *_: Cost(1.0, 2.0))
    accelerate(ours, images(), path)
    assert len(json.loads(path.read_text())) == 8  # of 10 layers; two of the block are like two others
    monkeypatch.setattr("fastconv.torch.accelerating.layer_cost", None)
    report = accelerate(ours, images(), path)
    assert not report.accelerated
    assert not any(map(is_ours, ours.modules()))
    assert "the module is left as it was" in str(report)


def test_a_step_that_is_not_quicker_leaves_the_module_as_it_was(monkeypatch):
    ours = network()
    monkeypatch.setattr("fastconv.torch.accelerating.layer_cost", lambda *_: Cost(2.0, 1.0))
    for seconds, accelerated in (((1.0, 1.5), False), ((1.5, 1.0), True)):
        monkeypatch.setattr("fastconv.torch.accelerating.step_cost", lambda *_, given=seconds: Cost(*given))
        report = accelerate(ours, images(), {})
        assert report.accelerated == accelerated
        assert any(map(is_ours, ours.modules())) == accelerated


def test_what_is_no_module_or_no_table_is_refused():
    with pytest.raises(TypeError, match=r"module must be a torch\.nn\.Module, got"):
        accelerate(3)
    with pytest.raises(TypeError, match="table must be a path or a mapping"):
        accelerate(network(), images(), 3)
    for example in (images().numpy(), (images(), 3), [images()]):
        with pytest.raises(TypeError, match="example must be a tensor or a tuple of tensors, got"):
            accelerate(network(), example)


@pytest.mark.parametrize("value", [None, 3, torch.zeros(3)])
def test_what_is_no_module_cannot_be_restored(value):
    with pytest.raises(TypeError, match=r"module must be a torch\.nn\.Module, got"):
        restore(value)


def gradients(module, x=None):
    """The loss and the gradients of a step."""
    module.zero_grad()
    torch.manual_seed(0)
    loss = F.cross_entropy(module(images() if x is None else x), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    return [loss.detach(), *(torch.zeros(()) if p.grad is None else p.grad.clone() for p in module.parameters())]


def frozen(module):
    for name, p in module.named_parameters():
        p.requires_grad_(name.startswith(("2.conv1", "3")))
    return gradients(module)


def tied(module):
    module[2].conv2.weight = module[2].conv1.weight
    return gradients(module)


def inference_then_training(module):
    with torch.inference_mode():
        y = module.eval()(images())
    return [y.clone(), *gradients(module)]


def checkpointed(module):
    run = torch.utils.checkpoint.checkpoint_sequential
    y = run(module.eval(), 2, images().requires_grad_(), use_reentrant=False)
    return [y.detach(), *torch.autograd.grad(y.sum(), list(module.parameters()))]


def twice_derived(module):
    x = images().requires_grad_()
    (dx,) = torch.autograd.grad(module.eval()(x).square().sum(), x, create_graph=True)
    return [dx.detach(), *torch.autograd.grad(dx.square().sum(), list(module.parameters()), allow_unused=True)[:3]]


def for_each_sample(module):
    arrays = dict(module.eval().named_parameters())

    def loss(arrays, x):
        return torch.func.functional_call(module, arrays, (x[None],)).square().sum()

    return list(torch.func.vmap(torch.func.grad(loss), (None, 0))(arrays, images()).values())


def of_all_sizes(module):
    module.eval()
    return [module(torch.ones(n, 3, h, w, dtype=torch.float64)) for n, h, w in ((1, 12, 12), (5, 9, 17), (0, 12, 12))]


def used_twice(module):
    y = module.eval()(images()) + module(2 * images())
    return [y.detach(), *torch.autograd.grad(y.sum(), list(module.parameters()))]


def compiled(module):
    return [*gradients(torch.compile(module, backend="eager")), *gradients(module)]


def autocast(module):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = module.float().eval()(images().float())
    return [inside.double(), *gradients(module.double())]


PROGRAMS = [frozen, tied, inference_then_training, checkpointed, twice_derived, for_each_sample, of_all_sizes]


@pytest.mark.parametrize("program", [*PROGRAMS, used_twice, compiled, autocast])
def test_programs_of_pytorch_give_what_they_gave(program):
    theirs, ours = network(), network()
    accelerate(ours)
    for a, b in zip(program(theirs), program(ours), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-8, atol=1e-9, check_stride=False)


def test_a_loader_of_workers_computes_with_the_module():
    ours = network().eval()
    accelerate(ours)
    data = [(x, n) for n, x in enumerate(images())]
    with torch.no_grad():
        found = torch.cat([ours(x) for x, _ in torch.utils.data.DataLoader(data, 2, num_workers=2, timeout=60)])
        torch.testing.assert_close(found, network().eval()(images()), check_stride=False)
