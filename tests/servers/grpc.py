"""A real gRPC server on 127.0.0.1, in a process of its own: Google's, with its health service."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.certificates import Issued

PROJECT = Path(__file__).parents[2]


@contextmanager
def grpc_server(
    statuses: Mapping[str, str] | None = None, issued: Issued | None = None, token: str = ""
) -> Iterator[int]:
    """Its port. Without *statuses*, by service, it has no health service; with *token* it wants that as a bearer's."""
    told = {
        "statuses": statuses,
        "certificate": issued and str(issued.chain_file),
        "key": issued and str(issued.key_file),
        "token": token,
    }
    command = [sys.executable, "-m", "tests.servers.grpc", json.dumps(told)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def main(told: dict[str, Any]) -> None:
    """Serve until killed."""
    import grpc  # type: ignore[import-untyped]
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

    class Guard(grpc.ServerInterceptor):  # type: ignore[misc]
        """Lets nobody in without the token."""

        def intercept_service(self, follow: Any, call: Any) -> Any:
            if ("authorization", f"Bearer {told['token']}") in call.invocation_metadata:
                return follow(call)

            def refuse(_: Any, context: Any) -> None:
                asked = dict(call.invocation_metadata).get("authorization", "nothing")
                context.abort(grpc.StatusCode.UNAUTHENTICATED, f"no: {asked}")

            return grpc.unary_unary_rpc_method_handler(refuse)

    server = grpc.server(ThreadPoolExecutor(2), interceptors=(Guard(),) if told["token"] else ())
    if told["statuses"] is not None:
        servicer = health.HealthServicer()
        for service, status in told["statuses"].items():
            servicer.set(service, health_pb2.HealthCheckResponse.ServingStatus.Value(status))
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if told["certificate"]:
        pair = (Path(told["key"]).read_bytes(), Path(told["certificate"]).read_bytes())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
