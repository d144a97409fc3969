"""The filter of system calls, run by a machine of our own: what is allowed, what is refused, and nothing between."""

from __future__ import annotations

import errno
import platform
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder import seccomp

MACHINES = ["x86_64", "aarch64"]
ALLOWED, KILLED, EPERM, ENOSYS = "allowed", "killed", errno.EPERM, errno.ENOSYS
HEADERS = {
    "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
    "aarch64": "/usr/include/asm-generic/unistd.h",
}
LINUX = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in MACHINES, reason="the filter is Linux's"
)

# name: number on x86_64, number on aarch64
DANGEROUS = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "socket": (41, 198),
    "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "sendmsg": (46, 211), "recvmsg": (47, 212),
    "ptrace": (101, 117), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "memfd_create": (319, 279), "bpf": (321, 280), "keyctl": (250, 219),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "inotify_init1": (294, 26),
    "userfaultfd": (323, 282), "perf_event_open": (298, 241), "setrlimit": (160, 164), "seccomp": (317, 277),
    "setpriority": (141, 140), "sched_setscheduler": (144, 119), "setuid": (105, 146), "capset": (126, 91),
    "setsid": (112, 157), "setpgid": (109, 154), "personality": (135, 92), "reboot": (169, 142), "mknodat": (259, 33),
    "signalfd4": (289, 74), "timerfd_create": (283, 85), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262), "init_module": (175, 105), "mlock": (149, 228), "remap_file_pages": (216, 234),
}  # fmt: skip
# One number everywhere, and newer than what a C library can't do without.
NEW = {"io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "openat2": 437, "pidfd_getfd": 438, "landlock": 444,
       "memfd_secret": 447, "futex_wait": 455, "unheard of": 900}  # fmt: skip


def steps(program: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("HBBI", program))


def run(
    program: bytes, machine: str, number: int, *arguments: int, architecture: int | None = None
) -> object:
    """Do what the kernel does with a filter: return ALLOWED, KILLED, or the number of the error."""
    if architecture is None:
        architecture = seccomp.AUDIT_ARCH[machine]
    six = [argument & (1 << 64) - 1 for argument in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, architecture, 0x7FFF_0000_0000, *six)
    code = steps(program)
    place = accumulator = 0
    while True:
        what, if_true, if_false, value = code[place]
        place += 1
        if what == 0x20:  # BPF_LD | BPF_W | BPF_ABS
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif what == 0x06:  # BPF_RET | BPF_K
            action, detail = value & 0xFFFF0000, value & 0xFFFF
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED, 0x00050000: detail}[action]
        else:  # BPF_JMP with a constant: JEQ, JGE, JSET
            true = {
                0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value),
            }[what]  # fmt: skip
            place += if_true if true else if_false


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[False, True], ids=["worker", "starting"])
def starting(request: pytest.FixtureRequest) -> bool:
    flag: bool = request.param
    return flag


def column(machine: str) -> int:
    return MACHINES.index(machine)


def test_every_call_of_the_list_is_allowed_and_stands_there_once(machine: str, starting: bool) -> None:
    program = seccomp.program(machine, starting=starting)
    numbers = seccomp.numbers(machine)
    assert len(numbers) > 100
    assert len(set(numbers)) == len(numbers)
    assert {run(program, machine, number) for number in numbers} == {ALLOWED}


def test_every_other_call_is_refused(machine: str) -> None:
    program = seccomp.program(machine)
    tables = {name: table for name, table in vars(seccomp).items() if name.isupper() and type(table) is dict}
    special = {
        table[machine]
        for name, table in tables.items()
        if machine in table and name not in ("AUDIT_ARCH", "EXECVE")
    }
    others = set(range(1000)) - set(seccomp.numbers(machine)) - special
    for number in others:
        assert run(program, machine, number) == (ENOSYS if number >= seccomp.NEWEST else EPERM), number
    assert run(program, machine, seccomp.EXECVE[machine]) == EPERM


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_dangerous_call_is_refused(machine: str, starting: bool, name: str) -> None:
    number = DANGEROUS[name][column(machine)]
    if number is None:
        return  # it does not exist there
    expected = ALLOWED if starting and name == "execve" else EPERM
    assert run(seccomp.program(machine, starting=starting), machine, number) == expected


@pytest.mark.parametrize("name", NEW)
def test_a_new_call_is_said_not_to_exist(machine: str, starting: bool, name: str) -> None:
    assert run(seccomp.program(machine, starting=starting), machine, NEW[name]) == ENOSYS


THREAD = 0x3D0F00  # the flags with which the C library makes a thread
FORK = 0x01200011  # and a process


@pytest.mark.parametrize(
    ("flags", "outcome"),
    [
        (THREAD, ALLOWED),
        (FORK, EPERM),
        (0, EPERM),
        (0x10000000 | 17, EPERM),  # a namespace of users
        (0x00004000 | 0x00000100, EPERM),  # vfork, by its flags
        (THREAD << 32, EPERM),  # the kernel looks at the lower half
        (THREAD | 1 << 40, ALLOWED),
    ],
)
def test_only_threads_can_be_made(machine: str, starting: bool, flags: int, outcome: object) -> None:
    program = seccomp.program(machine, starting=starting)
    assert run(program, machine, seccomp.CLONE[machine], flags) == outcome


def test_prctl_gives_names_and_does_nothing_else(machine: str, starting: bool) -> None:
    program = seccomp.program(machine, starting=starting)
    allowed = [
        n
        for n in (*range(300), 0x53564D41, 0x59616D61)
        if run(program, machine, seccomp.PRCTL[machine], n) == ALLOWED
    ]
    assert allowed == [15, 16, 0x53564D41]  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA


@pytest.mark.parametrize("new", [0, 1, 0x7FFF_DEAD_0000, 1 << 32, 0xFFFF_FFFF_0000_0000])
def test_limits_are_only_asked_for(machine: str, new: int) -> None:
    number = seccomp.PRLIMIT[machine]
    assert run(seccomp.program(machine), machine, number, 0, 7, new, 0x7FFF_BEEF_0000) == (
        EPERM if new else ALLOWED
    )
    assert run(seccomp.program(machine, starting=True), machine, number, 0, 7, new, 0) == ALLOWED


FCNTL = {"x86_64": 72, "aarch64": 25}
# What Python and the C library ask for: to copy a descriptor, and its flags.
PLAIN_COMMANDS = {
    "F_DUPFD": 0,
    "F_GETFD": 1,
    "F_SETFD": 2,
    "F_GETFL": 3,
    "F_SETFL": 4,
    "F_DUPFD_CLOEXEC": 1030,
}
TELLING_COMMANDS = {
    "F_GETLK": 5, "F_SETLK": 6, "F_SETLKW": 7, "F_SETOWN": 8, "F_SETSIG": 10, "F_SETOWN_EX": 15, "F_OFD_GETLK": 36,
    "F_OFD_SETLK": 37, "F_SETLEASE": 1024, "F_NOTIFY": 1026, "F_SETPIPE_SZ": 1031, "F_ADD_SEALS": 1033,
}  # fmt: skip


def test_a_file_that_two_workers_can_read_tells_neither_of_the_other(machine: str, starting: bool) -> None:
    """Locks, leases and notices of a file that both may only read would carry data between them."""
    program = seccomp.program(machine, starting=starting)
    for name, command in PLAIN_COMMANDS.items():
        assert run(program, machine, FCNTL[machine], 3, command) == ALLOWED, name
    for name, command in TELLING_COMMANDS.items():
        assert run(program, machine, FCNTL[machine], 3, command) == EPERM, name
        assert run(program, machine, FCNTL[machine], 3, command | 1 << 32) == EPERM, name
    assert run(program, machine, {"x86_64": 73, "aarch64": 32}[machine], 3, 2) == EPERM  # flock


@pytest.mark.parametrize("request_", [0x5412, 0x541C, 0x5412 | 1 << 32, 0xFFFF_FFFF_0000_541C])
def test_nothing_is_typed_into_a_terminal(machine: str, starting: bool, request_: int) -> None:
    program = seccomp.program(machine, starting=starting)
    assert run(program, machine, seccomp.IOCTL[machine], 0, request_) == EPERM
    assert run(program, machine, seccomp.IOCTL[machine], 0x5412, 0x5401) == ALLOWED  # TCGETS, as isatty asks


def test_another_architecture_is_killed(machine: str, starting: bool) -> None:
    program = seccomp.program(machine, starting=starting)
    for architecture in (0x40000003, 0x40000028, 0, *seccomp.AUDIT_ARCH.values()):
        ours = architecture == seccomp.AUDIT_ARCH[machine]
        assert run(program, machine, seccomp.numbers(machine)[0], architecture=architecture) == (
            ALLOWED if ours else KILLED
        )


def test_the_second_table_of_numbers_is_refused(starting: bool) -> None:
    program = seccomp.program("x86_64", starting=starting)
    for number in (*seccomp.numbers("x86_64"), seccomp.EXECVE["x86_64"], seccomp.CLONE["x86_64"]):
        assert run(program, "x86_64", number | 0x40000000, THREAD) == EPERM
    for number in (-1, 0x7FFFFFFF, 0x80000000):
        assert run(program, "x86_64", number) == EPERM


def test_no_jump_leads_out_of_the_program_and_no_load_out_of_the_data(machine: str, starting: bool) -> None:
    code = steps(seccomp.program(machine, starting=starting))
    assert len(code) <= 4096  # the kernel takes no more
    for place, (what, if_true, if_false, value) in enumerate(code):
        assert what in (0x20, 0x06, 0x15, 0x35, 0x45)
        assert place + 1 + max(if_true, if_false) < len(code) or what == 0x06
        assert what != 0x20 or (value % 4 == 0 and value < 64)
    assert code[-1][0] == 0x06


def test_a_machine_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError, match="riscv64"):
        seccomp.program("riscv64")


def named(machine: str) -> Iterator[tuple[str, int]]:
    """Yield the names and numbers that the module holds."""
    for line in seccomp.CALLS.strip().splitlines():
        for call in line.split(";"):
            name, *numbers = call.split()
            if numbers[column(machine)] != "-":
                yield name, int(numbers[column(machine)])
    for name in ("clone", "prctl", "prlimit64", "ioctl", "execve"):
        yield name, getattr(seccomp, {"prlimit64": "PRLIMIT"}.get(name, name.upper()))[machine]
    for name, both in DANGEROUS.items():
        if both[column(machine)] is not None:
            yield name, both[column(machine)]


def test_the_numbers_are_the_kernels(machine: str) -> None:
    path = Path(HEADERS[machine])
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text(encoding="utf-8"))
    numbers = {name: int(number) for name, number in found}
    if machine == "aarch64":  # where the header gives both widths one name
        numbers |= {"newfstatat": numbers["fstatat"], "pread64": 67, "pwrite64": 68}
    for name, number in named(machine):
        assert numbers[name] == number, name


TRIES = """
import os, subprocess, threading
from autograder import seccomp
seccomp.install()
def tried(what):
    try:
        what()
    except OSError as problem:
        return problem.errno
    return 0
def thread():
    one = threading.Thread(target=print, args=("from a thread",))
    one.start()
    one.join()
print(tried(os.fork), tried(lambda: subprocess.run(["true"])), tried(lambda: os.execv("/bin/true", ["true"])))
print(tried(lambda: os.memfd_create("x")), tried(lambda: os.nice(0)), tried(lambda: os.setsid()))
thread()
"""


@LINUX
def test_the_kernel_takes_the_filter_and_it_can_not_be_taken_off() -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n") == ["1 1 1", "1 1 1", "from a thread", ""], done.stderr
