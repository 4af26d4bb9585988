"""Machine-made mistakes: every small change of a reference that Python still understands."""

import ast
import copy

OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.Mod: ast.Mult,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source):
    """Every mutant of a source, as (change, mutated source).

    change  "<line> -> <mutated line>", both as ast.unparse writes them: what EQUIVALENT_MUTANTS
            in a grader lists. Text and raise statements are left alone: they word refusals.
    """
    tree = ast.parse(source)
    for path, change in _changes(tree):
        mutant = copy.deepcopy(tree)
        node, statement = mutant, None
        for step in path:
            node = getattr(node, step) if isinstance(step, str) else node[step]
            if isinstance(node, ast.stmt):
                statement = node
        before = _line(statement)
        change(node)
        yield f"{before} -> {_line(statement)}", ast.unparse(ast.fix_missing_locations(mutant))


def _line(statement):
    return ast.unparse(statement).strip().splitlines()[0]


def _changes(tree):
    """(path to a node, function that changes the node in place) for all that can be changed."""
    for path, node in _nodes(tree, ()):
        if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)) and type(node.op) in OTHER:
            yield path, lambda n: setattr(n, "op", OTHER[type(n.op)]())
        if isinstance(node, ast.Compare):
            for i, op in enumerate(node.ops):
                if type(op) in OTHER:
                    yield path, lambda n, i=i: n.ops.__setitem__(i, OTHER[type(n.ops[i])]())
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield path, lambda n: setattr(n, "value", n.value + 1)
            if node.value == 1:
                yield path, lambda n: setattr(n, "value", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield path, lambda n: setattr(n, "value", not n.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield path, lambda n: setattr(n, "op", ast.UAdd())
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield path, lambda n: setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))
        if isinstance(node, (ast.If, ast.IfExp)):
            yield path, lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            yield path, lambda n: n.args.__setitem__(slice(0, 2), n.args[1::-1])
        if isinstance(node, ast.keyword):
            yield path[:-1], lambda n, i=path[-1]: n.__delitem__(i)
        if isinstance(node, (ast.Assign, ast.AugAssign)) or _is_call(node):
            yield path, _to_pass


def _is_call(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _to_pass(statement):
    """Leave the statement out, by making it one that does nothing."""
    statement.__class__ = ast.Expr
    for field in list(statement.__dict__):
        if field not in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            delattr(statement, field)
    statement.value = ast.Constant(...)


def _nodes(node, path):
    if isinstance(node, list):
        for i, item in enumerate(node):
            yield from _nodes(item, (*path, i))
    elif isinstance(node, ast.AST) and not isinstance(node, (ast.Raise, ast.JoinedStr)):
        yield path, node
        for field, value in ast.iter_fields(node):
            if isinstance(value, (ast.AST, list)):
                yield from _nodes(value, (*path, field))
