"""An object store that signs for itself: moto's S3 server, which checks signatures and what a key may do.

As a program (`python -m tests.servers.s3_store PORT`) it is the server; it says its keys once it is ready.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.ports import free_port

ADDRESS, BUCKET = "127.0.0.1", "migrawatch"
ALLOWED = {
    "full": ["s3:*"],
    "writer": ["s3:PutObject"],
    "keeper": ["s3:PutObject", "s3:GetObject", "s3:ListBucket"],
    "blind": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
}
"""What each key may do."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """The running store; *keys* are pairs of a key's name and the key, by who has it."""

    port: int
    keys: dict[str, tuple[str, str]]
    running: "subprocess.Popen[str]"

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    def client(self) -> Any:
        """Somebody else who knows S3: boto3, for what there is in the bucket and for what is put there."""
        import boto3

        name, key = self.keys["full"]
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=name, aws_secret_access_key=key
        )

    def objects(self) -> list[str]:
        """The keys of all objects in the bucket."""
        found = self.client().list_objects_v2(Bucket=BUCKET)
        return [each["Key"] for each in found.get("Contents", [])]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped in its tracks: the kernel accepts, nobody answers."""
        self.running.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.running.pid, os.WSTOPPED)
        try:
            yield
        finally:
            self.running.send_signal(signal.SIGCONT)


@contextmanager
def s3_store() -> Iterator[Store]:
    """A store with one bucket, as long as the block lasts."""
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.s3_store", str(port)]
    root = str(Path(__file__).parents[2])
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root)
    assert running.stdout is not None
    try:
        ready = running.stdout.readline()
        assert ready, "the tests need moto's S3 server: pip install -e .[dev]"
        yield Store(
            port=port, keys={who: (pair[0], pair[1]) for who, pair in json.loads(ready).items()}, running=running
        )
    finally:
        running.kill()
        running.wait(timeout=10)
        running.stdout.close()


def _serve(port: int) -> None:
    # So many requests are taken from anybody: those that make the bucket and the keys.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(1 + 3 * len(ALLOWED))
    import boto3
    from moto.server import ThreadedMotoServer

    ThreadedMotoServer(ip_address=ADDRESS, port=port, verbose=False).start()
    anybody = {"endpoint_url": f"http://{ADDRESS}:{port}", "region_name": "us-east-1"}
    anybody |= {"aws_access_key_id": "anybody", "aws_secret_access_key": "anybody"}
    boto3.client("s3", **anybody).create_bucket(Bucket=BUCKET)
    users, keys = boto3.client("iam", **anybody), {}
    for who, actions in ALLOWED.items():
        rule = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        users.create_user(UserName=who)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
        users.put_user_policy(UserName=who, PolicyName=who, PolicyDocument=policy)
        made = users.create_access_key(UserName=who)["AccessKey"]
        keys[who] = (made["AccessKeyId"], made["SecretAccessKey"])
    print(json.dumps(keys), flush=True)
    signal.pause()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
