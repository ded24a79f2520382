"""What a public module shows on <TAB>, and whom it asks about a name that it does not have."""

import sys
from importlib import import_module
from typing import Any

IMPORTER = "importlib._bootstrap"  # asks for names before it looks for modules of them


def furnish(module_name: str, *shown: str) -> None:
    """Let the module show these names (else its ``__all__``), and say what to write instead of names it lacks."""
    module = sys.modules[module_name]
    names = sorted(shown or module.__all__)
    later = vars(module).get("_later", {})  # names of the module -> the file below it that has them, or is them

    def missing(name: str) -> Any:
        """A name that is imported when it is first used; else AttributeError, or ImportError where an import asks."""
        if name in later:
            file = import_module(f"{module_name}.{later[name]}")
            found = vars(file).get(name, file)
            setattr(module, name, found)
            return found
        caller = sys._getframe(1)
        if name.startswith("_") or caller.f_globals.get("__name__") == IMPORTER:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        from .names import says  # the tables are loaded when they are needed

        cure = says(module.__name__, name)
        if imports(caller):
            raise ImportError(f"cannot import name {name!r} from {module.__name__!r}{cure}")
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}{cure}")

    vars(module).update(__getattr__=missing, __dir__=names.copy)


def imports(caller: Any) -> bool:
    """Whether the frame is at ``from module import name``, where Python drops the text of an AttributeError."""
    from opcode import opmap

    return bool(caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"])
