"""Pickles of PyTorch's state dicts, read without running anything.

A pickle is a program for a stack machine. The machine here knows only the instructions that build plain values
(numbers, text, lists, tuples, dicts) and the few names with which PyTorch writes tensors (`calls`). It never imports
a name or calls its function. Anything else is refused, and the error names it.
"""

from typing import Any

from .calls import BESIDE, CALLS, FROM_TYPE, KNOWN, STORAGES, Name, Opaque, Refused, Storage, pairs, plain_key, sizes
from .errors import CheckpointError

MOST_STEPS = 10_000_000  # a state dict of 100,000 tensors takes about four million
MOST_DEEP = 1_000_000  # values on the stack
MOST_WORK = 10_000_000  # values in the arguments of all calls together, each counted as often as it is passed
MOST_BITS = 10_000  # of an integer
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
VALUES = {  # instructions that push their argument
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
NOTHING = {"PROTO", "FRAME"}
MARK = object()


class Machine:
    """Runs one pickle of a stream, up to its STOP."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.work = stream, 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def run(self) -> Any:
        """The value that the pickle builds."""
        import pickletools  # slow, and needed for files of PyTorch alone

        for step, (opcode, argument, _) in enumerate(pickletools.genops(self.stream)):
            name = opcode.name
            if name == "STOP":
                return self.stack.pop()
            if name in VALUES:
                if isinstance(argument, int) and argument.bit_length() > MOST_BITS:
                    raise Refused(f"a number of {argument.bit_length()} bits")
                self.stack.append(argument)
            elif name in CONSTANTS:
                self.stack.append(CONSTANTS[name])
            elif name not in NOTHING:
                self.do(name, argument)
            if len(self.stack) > MOST_DEEP or step > MOST_STEPS:
                raise Refused("too much")
        raise ValueError("no STOP")

    def do(self, name: str, argument: Any) -> None:
        """Carry out one instruction: the method `do_...` of its name."""
        work = getattr(self, f"do_{name.lower()}", None)
        if work is None:
            raise Refused(f"the instruction {name}")
        work(argument)

    def pop(self) -> Any:
        """Take a value from the stack; ValueError if a mark lies on top."""
        value = self.stack.pop()
        if value is MARK:
            raise ValueError("nothing to take from the stack")
        return value

    def pop_mark(self) -> list[Any]:
        """Take everything above the topmost mark, and the mark, from the stack."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is MARK:
                values = self.stack[at + 1 :]
                del self.stack[at:]
                return values
        raise ValueError("no mark")

    def top(self, kind: type) -> Any:
        """The topmost value, which must be of this kind."""
        if not isinstance(self.stack[-1], kind):
            raise ValueError(f"a {kind.__name__} was expected")
        return self.stack[-1]

    def do_mark(self, _: Any) -> None:
        """Push a mark, below the values of a list, tuple or dict."""
        self.stack.append(MARK)

    def do_pop(self, _: Any) -> None:
        """Drop the topmost value."""
        self.stack.pop()

    def do_pop_mark(self, _: Any) -> None:
        """Drop everything above the topmost mark, and the mark."""
        self.pop_mark()

    def do_dup(self, _: Any) -> None:
        """Push the topmost value once more."""
        self.stack.append(self.pop())
        self.stack.append(self.stack[-1])

    # The memo.

    def do_put(self, key: Any) -> None:
        """Memo: key -> topmost value."""
        self.memo[int(key)] = self.stack[-1]

    do_binput = do_long_binput = do_put

    def do_memoize(self, _: Any) -> None:
        """Memo: next free number -> topmost value."""
        self.memo[len(self.memo)] = self.stack[-1]

    def do_get(self, key: Any) -> None:
        """Push the memo's value."""
        self.stack.append(self.memo[int(key)])

    do_binget = do_long_binget = do_get

    # Lists, tuples, dicts.

    def do_empty_list(self, _: Any) -> None:
        """Push []."""
        self.stack.append([])

    def do_empty_dict(self, _: Any) -> None:
        """Push {}."""
        self.stack.append({})

    def do_empty_tuple(self, _: Any) -> None:
        """Push ()."""
        self.stack.append(())

    def do_list(self, _: Any) -> None:
        """Values above the mark -> a list."""
        self.stack.append(self.pop_mark())

    def do_tuple(self, _: Any) -> None:
        """Values above the mark -> a tuple."""
        self.stack.append(tuple(self.pop_mark()))

    def do_dict(self, _: Any) -> None:
        """Keys and values above the mark -> a dict."""
        self.stack.append(pairs(self.pop_mark()))

    def do_tuple1(self, _: Any) -> None:
        """One value -> a tuple."""
        self.stack.append((self.pop(),))

    def do_tuple2(self, _: Any) -> None:
        """Two values -> a tuple."""
        second, first = self.pop(), self.pop()
        self.stack.append((first, second))

    def do_tuple3(self, _: Any) -> None:
        """Three values -> a tuple."""
        third, second, first = self.pop(), self.pop(), self.pop()
        self.stack.append((first, second, third))

    def do_append(self, _: Any) -> None:
        """Append a value to the list below it."""
        value = self.pop()
        self.top(list).append(value)

    def do_appends(self, _: Any) -> None:
        """Append the values above the mark to the list below it."""
        values = self.pop_mark()
        self.top(list).extend(values)

    def do_setitem(self, _: Any) -> None:
        """Put a key and a value into the dict below them."""
        value, key = self.pop(), self.pop()
        self.top(dict)[plain_key(key)] = value

    def do_setitems(self, _: Any) -> None:
        """Put the keys and values above the mark into the dict below it."""
        values = self.pop_mark()
        self.top(dict).update(pairs(values))

    # Names and calls.

    def do_global(self, argument: Any) -> None:
        """Push the name "module name"."""
        self.name(argument.replace(" ", ".", 1))

    def do_stack_global(self, _: Any) -> None:
        """Module, name -> the name."""
        name, module = self.pop(), self.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise ValueError("a name that is not text")
        self.name(f"{module}.{name}")

    def name(self, text: str) -> None:
        """Push a name, if it is one that PyTorch writes for tensors."""
        if text not in KNOWN:
            raise Refused(text[:200])
        self.stack.append(Name(text))

    def do_reduce(self, _: Any) -> None:
        """Function, arguments -> the result, for the functions in `CALLS`."""
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise ValueError("a call of something that is no function")
        if function.text == FROM_TYPE:
            function, _, arguments, _ = arguments
            if not isinstance(function, Name) or not isinstance(arguments, tuple):
                raise ValueError("a tensor that no function makes")
        if function.text not in CALLS:
            raise Refused(f"a call of {function.text}")
        self.work += sum(len(value) for value in arguments if isinstance(value, list | tuple | dict))
        if self.work > MOST_WORK:
            raise Refused("too much")
        self.stack.append(CALLS[function.text](*arguments))

    def do_newobj(self, _: Any) -> None:
        """Class, arguments -> an opaque value, for classes of settings, paths and times."""
        arguments, made = self.pop(), self.pop()
        if not isinstance(made, Name) or not isinstance(arguments, tuple):
            raise ValueError("an object of something that is no class")
        if made.text not in BESIDE:
            raise Refused(f"an object of {made.text}")
        self.stack.append(CALLS[made.text]())

    def do_build(self, _: Any) -> None:
        """Ignores attributes of an OrderedDict (PyTorch's `_metadata`) and of opaque values."""
        self.pop()
        if not isinstance(self.stack[-1], dict | Opaque):
            raise Refused("attributes of another object")

    def do_binpersid(self, _: Any) -> None:
        """Push the storage that ("storage", type, key, device, count) describes."""
        kind, storage, key, _, numel, *view = self.pop()
        if kind != "storage" or not isinstance(key, str) or not sizes((numel,)) or view not in ([], [None]):
            raise Refused("a storage of another form")
        storage = Storage(key, STORAGES[storage.text], numel)
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError("a storage of two sizes")
        self.stack.append(storage)


def load(path: str, stream: Any) -> tuple[Any, dict[str, Storage]]:
    """(the value of the next pickle in a stream, its storages by key)."""
    machine = Machine(stream)
    try:
        return machine.run(), machine.storages
    except Refused as error:
        raise CheckpointError(refusal(path, str(error))) from None
    except CheckpointError:
        raise
    except Exception as error:
        why = str(error)[:200] or type(error).__name__
        raise CheckpointError(f"{path} is damaged, or not a state dict of PyTorch: {why}") from None


def refusal(path: str, what: str) -> str:
    """The error message: why the pickle is refused, and what to do."""
    if what.startswith("torch.nn.") or what.startswith("__main__."):
        kind = f"a whole model saved by PyTorch ({what})"
    else:
        kind = f"a pickle that asks for {what}"
    return (
        f"{path} is {kind}; only tensors and plain values are read, because anything else could run code. "
        "If you trust it, open it in PyTorch and save its tensors alone: torch.save(model.state_dict(), 'weights.pth')"
    )
