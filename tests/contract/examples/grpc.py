"""A gRPC server that serves, and one that says it does not."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.examples import Place, Setting
from tests.servers.grpc import grpc_server

SERVICE = "mpanel.v1.Billing"


@contextmanager
def healthy(place: Place) -> Iterator[Setting]:
    with grpc_server({SERVICE: "SERVING"}) as port:
        yield Setting(port=port, changed={})


@contextmanager
def faulty(place: Place) -> Iterator[Setting]:
    with grpc_server({SERVICE: "NOT_SERVING"}) as port:
        yield Setting(port=port, changed={})
