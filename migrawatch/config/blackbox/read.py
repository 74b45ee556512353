"""blackbox.yml into modules: what is wrong is told with its line, what migrawatch does not do is named by module."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from migrawatch.config.blackbox.http import limit_of
from migrawatch.config.blackbox.kinds import maker
from migrawatch.config.blackbox.module import Asked, Module, TargetError
from migrawatch.config.blackbox.options import NOT_DONE, PROBERS_NOT_DONE, ModuleOptions
from migrawatch.config.blackbox.plant import Binary, plant
from migrawatch.config.kinds import Kinds
from migrawatch.config.problem import Place, Report
from migrawatch.config.secrets import Secrets
from migrawatch.config.tree import Items, Scalar, Table, Tree
from migrawatch.config.validate import validate
from migrawatch.model import Secret

_SECTIONS = ("http", "tcp", "dns", "icmp", "unix", "grpc", "websocket")
_CLASSES = ("IN", "CS", "CH", "HS", "NONE", "ANY")
_NOTHING = ("", "false", "IN")
"""What sets an option to what it is anyway."""
_EXAMPLES = {
    "http": Asked(target="http://target.example/"),
    "tcp": Asked(target="target.example:1"),
    # Which name a certificate must have may be told by who asks.
    "unix": Asked(target="/target", hostname="target.example"),
}


def read_modules(path: Path, kinds: Kinds, secrets: Secrets, report: Report) -> dict[str, Module]:
    """Every module of the blackbox.yml at *path*. Errors go to *report*, options that are not done as warnings."""
    try:
        content = path.read_bytes()
    except OSError as error:
        report.wrong(Place(str(path), 1, 1), "", f"cannot be read: {error.strerror}")
        return {}
    whole = plant(content, str(path), report)
    if whole is None:
        return {}
    for key in whole:
        if key != "modules":
            report.wrong(whole.places[key], key, "unknown section", "modules")
    modules = whole.get("modules")
    if not isinstance(modules, Table):
        report.wrong(whole.place, "modules", "wanted a mapping of modules")
        return {}
    reader = _Reader(path.parent, kinds, secrets, report)
    found = {name: reader.module(name, tree) for name, tree in modules.items()}
    return {name: module for name, module in found.items() if module is not None}


class _Reader:
    def __init__(self, base: Path, kinds: Kinds, secrets: Secrets, report: Report) -> None:
        self._base = base
        self._kinds = kinds
        self._secrets = secrets
        self._report = report

    def module(self, name: str, tree: Tree) -> Module | None:
        """One module; None, with everything noted, if it is wrong."""
        path = f"modules.{name}"
        if not isinstance(tree, Table):
            self._report.wrong(tree.place, path, "wanted a mapping with a prober")
            return None
        before = len(self._report.problems)
        refusals: list[str] = []
        table = self._plain(tree, path, refusals)
        options = validate(ModuleOptions, table, path, self._secrets, self._report)
        if options is None or len(self._report.problems) > before:
            return None
        if options.prober in PROBERS_NOT_DONE:
            refusals += self._refuse(tree["prober"].place, f"{path}.prober", PROBERS_NOT_DONE[options.prober])
        if options.prober == "http" and set(options.http.valid_http_versions) == {"HTTP/3.0"}:
            refusals += self._refuse(table.place, f"{path}.http.valid_http_versions", NOT_DONE["http", "enable_http3"])
        options = self._with_files(options, table, path, refusals)
        make = maker(options, self._kinds) if options.prober not in PROBERS_NOT_DONE else _unusable
        module = Module(name=name, options=options, refused="; ".join(refusals), make=make)
        if make is not _unusable:
            self._try(module, table, path)
        return module

    def _try(self, module: Module, table: Table, path: str) -> None:
        """What only shows when a probe is made (a type of DNS records, a size) is told now, not at the first scrape."""
        prober = module.options.prober
        place = table.places.get(prober, table.place)
        try:
            limit_of(module.options.http)
            module.make(_EXAMPLES.get(prober, Asked(target="target.example")))
        except (TargetError, ValueError) as error:
            self._report.wrong(place, f"{path}.{prober}", str(error))

    # -- what stands between a file of others' and our own reading ----------------------------------------------

    def _plain(self, tree: Table, path: str, refusals: list[str]) -> Table:
        """*tree* without what is empty or not done."""
        table = Table(tree.place)
        for key, value in tree.items():
            if isinstance(value, Scalar) and value.empty:
                continue
            section = (
                self._section(key, value, path, refusals) if key in _SECTIONS and isinstance(value, Table) else value
            )
            table.add(key, section, tree.places[key])
        return table

    def _section(self, section: str, tree: Table, path: str, refusals: list[str]) -> Table:
        if section == "http":
            self._check_versions(tree, f"{path}.http")
        return self._without(tree, (section,), path, refusals)

    def _without(self, tree: Table, at: tuple[str, ...], path: str, refusals: list[str]) -> Table:
        table = Table(tree.place)
        for key, value in tree.items():
            where = (*at, key)
            if isinstance(value, Scalar) and value.empty:
                continue
            if where == ("dns", "query_class") and isinstance(value, Scalar) and value.text not in _CLASSES:
                self._report.wrong(value.place, f"{path}.{'.'.join(where)}", f"unknown class {value.text!r}")
            elif where in NOT_DONE:
                if not (isinstance(value, Scalar) and value.text in _NOTHING):
                    refusals += self._refuse(tree.places[key], f"{path}.{'.'.join(where)}", NOT_DONE[where])
            elif key == "query_response" and isinstance(value, Items):
                table.add(key, _turns(value), tree.places[key])
            else:
                inner = self._without(value, where, path, refusals) if isinstance(value, Table) else value
                table.add(key, inner, tree.places[key])
        return table

    def _check_versions(self, http: Table, path: str) -> None:
        """What blackbox_exporter demands of who wants HTTP/3, which is refused anyway."""
        wanted = http.get("enable_http3")
        if not isinstance(wanted, Scalar) or wanted.text != "true":
            return
        http2, versions = http.get("enable_http2"), http.get("valid_http_versions")
        only = isinstance(versions, Items) and [getattr(one, "text", "") for one in versions] == ["HTTP/3.0"]
        if not (isinstance(http2, Scalar) and http2.text == "false" and only):
            what = "wants enable_http2: false and valid_http_versions: [HTTP/3.0] beside it"
            self._report.wrong(wanted.place, f"{path}.enable_http3", what)

    def _refuse(self, place: Place, path: str, why: str) -> list[str]:
        option = path.removeprefix("modules.").partition(".")[2]
        self._report.warn(place, path, f"not done here: {why}; /probe refuses this module")
        return [f"{place}: {option}: {why}"]

    # -- what stands in files of its own ------------------------------------------------------------------------

    def _with_files(self, options: ModuleOptions, table: Table, path: str, refusals: list[str]) -> ModuleOptions:
        http = options.http
        place = table.places.get("http", table.place)

        def held(name: str, strip: bool = True) -> Secret:
            return Secret(self._content(self._base / name, place, path, refusals, strip=strip))

        if http.body_file:
            http = replace(http, body=held(http.body_file, strip=False), body_file="")
        if http.bearer_token_file:
            http = replace(http, bearer_token=held(http.bearer_token_file), bearer_token_file="")
        if (basic := http.basic_auth) is not None and basic.password_file:
            basic = replace(basic, password=held(basic.password_file), password_file="")
        if basic is not None and basic.username_file:
            basic = replace(basic, username=held(basic.username_file).reveal(), username_file="")
        if (given := http.authorization) is not None and given.credentials_file:
            given = replace(given, credentials=held(given.credentials_file), credentials_file="")
        several = {
            name: replace(one, secrets=(*one.secrets, *(held(file) for file in one.files)), files=())
            for name, one in http.http_headers.items()
        }
        http = replace(http, basic_auth=basic, authorization=given, http_headers=several)
        return self._with_trust(replace(options, http=http))

    def _with_trust(self, options: ModuleOptions) -> ModuleOptions:
        """Files of trusted certificates lie beside blackbox.yml where they are not absolute."""
        changed: dict[str, Any] = {}
        for name in ("http", "tcp", "dns", "grpc", "unix"):
            section = getattr(options, name)
            if section is not None and section.tls_config.ca_file:
                tls = replace(section.tls_config, ca_file=str(self._base / section.tls_config.ca_file))
                changed[name] = replace(section, tls_config=tls)
        return replace(options, **changed)

    def _content(self, file: Path, place: Place, path: str, refusals: list[str], *, strip: bool) -> str:
        try:
            content = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = f"{file} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
            # The other modules are good without it.
            self._report.warn(place, path, f"{why}; /probe refuses this module")
            refusals.append(f"{place}: {why}")
            return ""
        return content.strip() if strip else content


def _turns(written: Items) -> Items:
    """*written* with what is `!!binary` under keys of its own."""
    turns = Items(written.place)
    for turn in written:
        if not isinstance(turn, Table):
            turns.append(turn)
            continue
        table = Table(turn.place)
        for key, value in turn.items():
            if isinstance(value, Binary):
                hexed = {"send": "send_hex", "expect_bytes": "expect_hex"}.get(key, key)
                table.add(hexed, Scalar(value.text, value.place, plain=False), turn.places[key])
            elif not (isinstance(value, Scalar) and value.empty):
                table.add(key, value, turn.places[key])
        turns.append(table)
    return turns


def _unusable(asked: Asked) -> Any:
    raise TargetError(f"{asked.target}: the module cannot be used")
