"""What somebody with migrawatch's key would try, to get further than the gate lets him.

MARK stands for a file that is not there: an escape makes it. The list that is open holds `LISTED`.
"""

from migrawatch.model import NAME, NUMBER, Access

MARK = "MARK"
NGINX = ("sudo", "-n", "/usr/sbin/nginx", "-T")
PM2 = ("sudo", "-n", "-u", "root", "/usr/bin/env", "HOME=/root", "PM2_HOME=/nowhere", "pm2", "jlist")
JOURNAL = ("journalctl", "-u", "nginx.service", "-n", "5", "--no-pager", "-o", "short-iso")
FOLLOWED = ("journalctl", "-f", "-u", "nginx.service", "--since", f"@{NUMBER}", "--no-pager", "-o", "json")

LISTED = Access(
    commands=(
        ("true",),
        ("cat", "/proc/net/unix"),
        ("date", "+%s.%N"),
        ("ps", "--ppid", NUMBER, "-o", "etimes=,args="),
        ("getent", "ahosts", NAME),
        ("systemctl", "show", "--property=ActiveState", "nginx.service"),
        ("/usr/sbin/zpool", "status", "clients-main"),
        ("/usr/sbin/postqueue", "-j"),
        ("/usr/bin/printf", "%s|", "two words", "it's; $(quoted)"),
        NGINX,
        JOURNAL,
        FOLLOWED,
    ),
    guarded=(("/nowhere/rpc.sock", PM2),),
    files=True,
)

_TOUCH = f"touch {MARK}"
_SHELLS = (
    "sh", "bash", "bash -i", "sh -i", f"sh -c '{_TOUCH}'", "/bin/sh", "python3 -c 1", "perl -e 1", "busybox sh",
    "exec sh", "su", "screen", "vi", "less /etc/passwd", "script /dev/null", "-c id", "--", "-",
)  # fmt: skip
_METACHARACTERS = (
    f"true; {_TOUCH}", f"true;{_TOUCH}", f"true && {_TOUCH}", f"true || {_TOUCH}", f"false || {_TOUCH}",
    f"true | {_TOUCH}", f"true & {_TOUCH}", f"true\n{_TOUCH}", f"{_TOUCH}\ntrue", f"true\r\n{_TOUCH}", "true\n",
    "\ntrue", f"true\x0b{_TOUCH}", f"true $({_TOUCH})", f"true `{_TOUCH}`", f"$({_TOUCH})", f"`{_TOUCH}`",
    f"true > {MARK}", f"true >{MARK}", f"true 2>{MARK}", f"true >>{MARK}", f"true <({_TOUCH})", "true < /etc/shadow",
    f"{{ {_TOUCH}; }}", f"({_TOUCH})", f"true ${{IFS}}{_TOUCH}", f"true;${{IFS}}{_TOUCH}", "true #", "true'", 'true"',
    "true\\", "'true'", '"true"', "tr\\ue", "t*", "/bin/tru?", "~", "$0", "$SHELL", "!!", "%s%n",
    f"ps --ppid 1 -o etimes=,args=; {_TOUCH}", f"date +%s.%N$({_TOUCH})", f"getent ahosts $({_TOUCH})",
    f"getent ahosts a;{_TOUCH}", f"ps --ppid `{_TOUCH}` -o etimes=,args=",
)  # fmt: skip
_OTHER_WORDS = (
    " true", "true ", "true  ", "\ttrue", "TRUE", "/bin/true", "./true", "../bin/true", "true true", "true --help",
    "command true", f"eval {_TOUCH}", f"env {_TOUCH}", "env true", "LD_PRELOAD=/tmp/x.so true", "PATH=/tmp true",
    "ENV=/tmp/x true", "nice true", "nohup true", f"timeout 1 {_TOUCH}", "# true", "#", "{number}", "{name}",
    "ps --ppid {number} -o etimes=,args=", "getent ahosts {name}",
)  # fmt: skip
_ARGUMENTS = (
    "cat /etc/shadow", "cat /proc/net/unix /etc/shadow", "tail /etc/shadow", "tail -c 65536 -- /etc/shadow",
    "tail -c 65536 -- /var/log/nginx/../../../etc/shadow", "head /etc/passwd", f"date +%s.%N -s @0 > {MARK}",
    "date -s @0", "date --file=/etc/shadow", "date +%s.%N --file=/etc/shadow",
    "ps --ppid 1 -o etimes=,args= -e", "ps --ppid -1 -o etimes=,args=", "ps --ppid 1,2 -o etimes=,args=",
    "ps --ppid 0x1 -o etimes=,args=", "ps --ppid 1 2 -o etimes=,args=", "ps --ppid  -o etimes=,args=",
    "ps --ppid 11111111111111111111 -o etimes=,args=", "ps --ppid 1 -o etimes=,environ=", "ps eww",
    "getent shadow", "getent ahosts -s files", "getent ahosts --service=x", "getent ahosts a b", "getent ahosts ",
    "systemctl stop nginx.service", "systemctl show --property=ActiveState nginx.service -H root@elsewhere",
    "systemctl show --property=ActiveState -H.service", "systemctl show nginx.service", "systemctl edit nginx.service",
    "journalctl -u nginx.service --file /etc/shadow", f"{' '.join(JOURNAL)} --file=/etc/shadow",
    f"{' '.join(JOURNAL)} --vacuum-time=1s", "journalctl --rotate", "journalctl -u ssh.service -n 5 --no-pager",
    "journalctl -f -u nginx.service --since @1 --file=/x --no-pager -o json",
    "journalctl -f -u nginx.service --since @ --no-pager -o json", "journalctl",
    "sudo -n /usr/sbin/nginx -T -c /tmp/evil.conf", "sudo -n /usr/sbin/nginx -T -g 'pid /x;'",
    "sudo -n /usr/sbin/nginx -s stop", "sudo -n /usr/sbin/nginx", "sudo -n -s", "sudo -n sh", "sudo -i", "sudo -l",
    "sudo -n -u root sh", "sudo -n -e /etc/shadow", "/usr/sbin/nginx -T -c /etc/shadow",
    " ".join(PM2).replace("jlist", "kill"), " ".join(PM2).replace("/nowhere", "/tmp"), "pm2 jlist",
    "pm2 start /tmp/x.js",
    "/usr/sbin/zpool destroy clients-main", "/usr/sbin/zpool status clients-main -x", "zpool status clients-main",
    "/usr/sbin/postqueue -f", "/usr/sbin/postqueue -j -c /tmp", "/usr/sbin/postsuper -d ALL",
    "/usr/bin/printf '%s|' 'two words' 'another'", "/usr/bin/printf %s| two words it's; $(quoted)",
)  # fmt: skip
_GUARDED = (" ".join(PM2), f"while /nowhere/rpc.sock listens: {' '.join(PM2)}", "while /nowhere/rpc.sock listens: true")
_COPIERS = (
    f"scp -t {MARK}", "scp -f /etc/shadow", "scp -r -t /", f"rsync --server . {MARK}", "git-upload-pack '/'",
    "git-receive-pack '/'", "svnserve -t", "internal-sftp -d /", "internal-sftp -u 0", "sftp", "sftp-server",
    f"/usr/lib/openssh/sftp-server; {_TOUCH}", "/usr/lib/openssh/sftp-server -l DEBUG3",
    "tar cf - /etc", "dd if=/etc/shadow",
)  # fmt: skip
_LOOK_ALIKES = (
    "tr\u03c5e", "\uff54\uff52\uff55\uff45", "true\u00a0", "true\u200b", "\ufefftrue",
    "tru\u0065\u0301", "true\u037e id",
    "true\u2028id", "ps --ppid \u0661 -o etimes=,args=", "ps --ppid \uff11 -o etimes=,args=",
    "ps --ppid \u00b2 -o etimes=,args=", "getent ahosts \u217cocalhost", "ps \u2013ppid 1 -o etimes=,args=",
    "\udcff\udcfe", "true\udc80", "\x1b[31mtrue", "true\x7f", "\x01true", "true\x08\x08\x08\x08id",
)  # fmt: skip
_LONG = ("A" * 100_000, f"true{' ' * 60_000}", f"true;{'x' * 100_000}", "true " * 20_000, "ps --ppid " + "9" * 90_000,
         f"getent ahosts {'a.' * 40_000}; id", "true" + "\n" * 50_000 + "id")  # fmt: skip

COMMANDS = (
    *_SHELLS, *_METACHARACTERS, *_OTHER_WORDS, *_ARGUMENTS, *_GUARDED, *_COPIERS, *_LOOK_ALIKES, *_LONG,
)  # fmt: skip
"""What is asked for as a command."""

SUBSYSTEMS = ("sh", "netconf", "sftp;id", "sftp\nid", "SFTP", "../sftp", "internal-sftp -d /", "exec", "shell")
"""What is asked for as a subsystem."""
