"""A host whose commands answer what they once printed in the lab: systemd and PM2 do not run where tests run."""

from collections.abc import Mapping, Sequence

from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Completed


class Recorded(Here):
    """Commands by their name, each with its answers in order; the last one is given again and again."""

    name = "recorded"

    def __init__(self, answers: Mapping[str, Sequence[str | Completed]]) -> None:
        self._answers = {name: list(given) for name, given in answers.items()}
        self.asked: list[tuple[str, ...]] = []

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        self.asked.append(tuple(argv))
        answers = self._answers[argv[-2] if argv[-1] == "jlist" else argv[0]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Completed) else Completed(0, answer, "")


def unit(state: str = "active", sub: str = "running", **properties: str) -> str:
    """What `systemctl show` prints; the lines are in no order."""
    told = {
        "Result": "success",
        "NRestarts": "0",
        "ExecMainStatus": "0",
        "LoadState": "loaded",
        "ActiveState": state,
        "SubState": sub,
        "StateChangeTimestamp": "Tue 2026-11-24 08:25:23 UTC",
        "ActiveEnterTimestamp": "Tue 2026-11-24 08:25:23 UTC",
        **properties,
    }
    return "".join(f"{name}={value}\n" for name, value in told.items())


SOCKETS = """\
Num       RefCount Protocol Flags    Type St Inode Path
00000000b2abfe82: 00000002 00000000 00010000 0001 01 18012 /run/systemd/private
00000000f01af3b1: 00000002 00000000 00010000 0001 01 20417 /root/.pm2/rpc.sock
"""


def process(
    name: str = "mpanel-backend", status: str = "online", restarts: int = 0, **env: object
) -> dict[str, object]:
    """One process as `pm2 jlist` prints it, with one of the secrets that it prints too."""
    return {
        "pid": 488 if status == "online" else 0,
        "name": name,
        "pm_id": 0,
        "monit": {"memory": 72163328 if status == "online" else 0, "cpu": 0},
        "pm2_env": {
            "status": status,
            "restart_time": restarts,
            "unstable_restarts": 0,
            "pm_uptime": 1795508763137,
            "created_at": 1795508763137,
            "env": {"PGPASSWORD": "hunter2"},
            "DATABASE_URL": "postgres://mpanel_app:hunter2@10.1.10.210:5432/mpanel",
            **env,
        },
    }
