"""Calls in Groovy and Kotlin, found by real parsers, for the two CIs without a schema."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import dedent

import tree_sitter_groovy
import tree_sitter_kotlin
from tree_sitter import Language, Node, Parser


@dataclass(frozen=True)
class Call:
    """A call by name: its literal arguments, those with a label apart."""

    name: str
    values: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    assigned_to: str = ""


def _tree(grammar: object, source: bytes) -> Node:
    root = Parser(Language(grammar)).parse(source).root_node
    if root.has_error:
        message = f"it does not parse:\n{root}"
        raise ValueError(message)
    return root


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _all(node: Node, *kinds: str) -> Iterator[Node]:
    if node.type in kinds:
        yield node
    for child in node.children:
        yield from _all(child, *kinds)


def _literal(node: Node) -> str:
    """The value of a literal without escapes, any quotes taken off."""
    text = _text(node)
    for quote in ("'''", '"""', "'", '"'):
        if text.startswith(quote):
            return text.removeprefix(quote).removesuffix(quote)
    return text


def groovy_calls(source: bytes, *names: str) -> list[Call]:
    """Every call to one of these names, in order. ValueError where the source does not parse."""
    found = []
    for node in _all(_tree(tree_sitter_groovy.language(), source), *_GROOVY_CALLS):
        name = node.child_by_field_name("name")
        arguments = node.child_by_field_name("arguments") or node.child_by_field_name("args")
        if name is None or _text(name) not in names:
            continue
        values, labels = [], {}
        for argument in arguments.named_children if arguments else []:
            if argument.type == "map_item":
                key, value = argument.named_children
                labels[_text(key)] = _literal(value)
            else:
                values.append(_literal(argument))
        parent = node.parent
        target = parent.child_by_field_name("left") if parent else None
        found.append(Call(_text(name), tuple(values), labels, _text(target) if target else ""))
    return found


def kotlin_calls(source: bytes, *names: str) -> list[Call]:
    """Every call to one of these names, in order; what its block assigns or calls is a label.

    ValueError where the source does not parse.
    """
    found = []
    for node in _all(_tree(tree_sitter_kotlin.language(), source), "call_expression"):
        name = _text(node.named_children[0])
        if name not in names:
            continue
        blocks = [child for child in node.named_children if child.type == "annotated_lambda"]
        values = () if blocks else _kotlin_strings(node)
        labels = {}
        for block in blocks:
            for assignment in _all(block, "assignment"):
                left, right = assignment.named_children
                labels[_text(left)] = dedent(_kotlin_strings(right)[0]).strip()
            for call in _all(block, "call_expression"):
                if _text(call.named_children[0]) == "equals":
                    labels["equals"] = "=".join(_kotlin_strings(call))
        found.append(Call(name, values, labels))
    return found


def _kotlin_strings(node: Node) -> tuple[str, ...]:
    literals = _all(node, "string_literal", "multiline_string_literal")
    return tuple(_literal(literal) for literal in literals)


_GROOVY_CALLS = ("method_invocation", "juxt_function_call")
