"""Python's own readers for the contests: one request a line on stdin, one answer a line on stdout, both JSON.

A request is {"kind": ..., "text": ...}; an answer is null where the reader refuses the text. INI readers answer with
[section, key, literal, field, meant] for each key, null where there is none; tree readers with one tagged tree.
"""

import configparser
import io
import json
import re
import sys

LONE_PERCENT = re.compile(r"%%|%\([^)]+\)s|%")


def main():
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = READERS[request["kind"]](request["text"])
        except Refused:
            answer = None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class Refused(Exception):
    pass


def load(parser, text):
    try:
        # As a file that is opened as text: every line ending becomes a line feed.
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        raise Refused from error
    return parser


def own_keys(parser):
    """Section and key of each pair where it stands, [DEFAULT] included; its public API repeats the defaults everywhere."""
    for key in parser.defaults():
        yield "DEFAULT", key
    for section, pairs in parser._sections.items():
        for key in pairs:
            yield section, key


class LonePercentIsLiteral(configparser.BasicInterpolation):
    """Python's interpolation, for values in which a % that begins neither %% nor %(name)s stands for itself."""

    def before_get(self, parser, section, option, value, defaults):
        doubled = {key: double_lone(text) for key, text in defaults.items()}
        return super().before_get(parser, section, option, double_lone(value), doubled)


def double_lone(value):
    return LONE_PERCENT.sub(lambda found: "%%" if found[0] == "%" else found[0], value)


def read_config(text):
    """config.ini: a value that cannot be interpolated spoils the file."""
    parser = load(configparser.ConfigParser(interpolation=LonePercentIsLiteral()), text)
    try:
        values = [
            [section, key, None, value, value]
            for section in parser.sections()
            for key, value in ((key, parser.get(section, key)) for key in parser.options(section))
        ]
        literals = [[section, key, parser.get(section, key, raw=True), None, None] for section, key in own_keys(parser)]
        return values + literals
    except configparser.InterpolationError as error:
        raise Refused from error


def read_python(text):
    """configparser.ConfigParser() as it is; who wants a value that cannot be interpolated asks for it raw."""
    parser = load(configparser.ConfigParser(), text)
    return [row(parser, section, key) for section, key in own_keys(parser)]


def row(parser, section, key):
    literal = parser.get(section, key, raw=True)
    try:
        value = parser.get(section, key)
    except configparser.InterpolationError:
        value = literal
    return [section, key, literal, value, value]


def read_bridge(text):
    """The reader of cockpit.conf in cockpit-bridge."""
    parser = load(configparser.ConfigParser(interpolation=None, strict=True), text)
    rows = [(section, key, parser.get(section, key)) for section, key in own_keys(parser)]
    return [[section, key, value, value, value] for section, key, value in rows]


class NamesStay(dict):
    """Every name expands to itself."""

    def __missing__(self, name):
        return "%(" + name + ")s"


# What supervisord gives to a program's section.
EXPANSIONS = {
    "here": "/etc/supervisor",
    "host_node_name": "host",
    "program_name": "p",
    "group_name": "p",
    "process_num": 7,
    "numprocs": 1,
    "ENV_HOME": "/root",
    "ENV_PATH": "/bin:/usr/bin",
}


def read_supervisor(text):
    """supervisord's parser and its own expansion; `environment` is split as well, into one more level of keys."""
    from supervisor.datatypes import dict_of_key_value_pairs
    from supervisor.options import UnhosedConfigParser, expand

    parser = load(UnhosedConfigParser(), text)
    if parser.has_section("include"):
        parser.expand_here(EXPANSIONS["here"])
    rows = []
    try:
        for section, key in own_keys(parser):
            literal = parser.get(section, key)
            field = expand(literal, NamesStay(process_num=7), key)
            try:
                meant = expand(literal, EXPANSIONS, key)
            except ValueError:
                meant = None
            rows.append([section, key, literal, field, meant])
            if key == "environment" and meant is not None:
                pairs = dict_of_key_value_pairs(meant).items()
                rows.extend([section, key + "/" + name, value, value, value] for name, value in pairs)
    except ValueError as error:
        raise Refused from error
    return rows


def tagged(value):
    """Tells 5 from "5" and 5.0, and keeps integers of any size."""
    import datetime

    if value is None:
        return {"word": "null"}
    if isinstance(value, bool):
        return {"word": "true" if value else "false"}
    if isinstance(value, int):
        return {"integer": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list):
        return {"list": [tagged(item) for item in value]}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise Refused
        return {"map": [[key, tagged(inner)] for key, inner in value.items()]}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return {"date": value.isoformat()}
    raise Refused


def read_toml(text):
    import tomllib

    try:
        return tagged(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Refused from error


def read_json(text):
    try:
        return tagged(json.loads(text, object_pairs_hook=unique, parse_constant=refuse_word))
    except (ValueError, RecursionError) as error:
        raise Refused from error


def unique(pairs):
    if len({key for key, _ in pairs}) < len(pairs):
        raise Refused
    return dict(pairs)


def refuse_word(_word):
    raise Refused


def read_yaml(text):
    import yaml

    try:
        documents = list(yaml.load_all(text, Loader=core_loader()))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Refused from error
    if len(documents) > 1:
        raise Refused
    return tagged(documents[0]) if documents else tagged({})


CORE = {}


def core_loader():
    """PyYAML with the words and numbers of YAML 1.2's core schema in place of those of YAML 1.1."""
    import yaml

    if "loader" in CORE:
        return CORE["loader"]

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}

    def add(tag, pattern, first, construct):
        Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), first)
        Loader.add_constructor("tag:yaml.org,2002:" + tag, lambda loader, node: construct(loader.construct_scalar(node)))

    def number(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)

    def real(text):
        return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf").lower().replace(".nan", "nan"))

    def mapping(loader, node):
        names = [loader.construct_object(key, deep=True) for key, _ in node.value]
        if len({str(name) for name in names}) < len(names):
            raise Refused
        return {name_of(loader, key): loader.construct_object(value, deep=True) for key, value in node.value}

    def name_of(loader, node):
        if not isinstance(node, yaml.ScalarNode):
            raise Refused
        return node.value

    add("null", r"^(?:null|Null|NULL|~|)$", ["n", "N", "~", ""], lambda _: None)
    add("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF"), lambda text: text.lower() == "true")
    add("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789"), number)
    decimal = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    infinite = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    add("float", "^(?:" + decimal + "|" + infinite + ")$", list("-+.0123456789"), real)
    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    CORE["loader"] = Loader
    return Loader


READERS = {
    "config": read_config,
    "python": read_python,
    "bridge": read_bridge,
    "supervisor": read_supervisor,
    "toml": read_toml,
    "json": read_json,
    "yaml": read_yaml,
}

main()
