"""Which system calls a worker may make, as a seccomp filter: a list of what is allowed, and the rest is refused.

This file runs on both sides and imports nothing of the autograder. What is left to student code is to compute,
to use the files it can see, and to have threads. It can start no process, open no socket, make no namespace,
mount nothing, trace nothing, hold no lock that another worker sees, and make no memory that its limit does not
count.
See seccomp(2), and `struct seccomp_data` in the kernel's linux/seccomp.h.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import NamedTuple

# name, number on x86_64, number on aarch64 (`-`: it does not exist there)
CALLS = """
read 0 63; write 1 64; futex 202 98; mmap 9 222; munmap 11 215; mremap 25 216; madvise 28 233; brk 12 214
mprotect 10 226; msync 26 227; membarrier 324 283
clock_gettime 228 113; clock_getres 229 114; clock_nanosleep 230 115; nanosleep 35 101; gettimeofday 96 169
time 201 -; times 100 153; getrusage 98 165; alarm 37 -; setitimer 38 103; getitimer 36 102; pause 34 -
openat 257 56; open 2 -; close 3 57; lseek 8 62; pread64 17 67; pwrite64 18 68; readv 19 65; writev 20 66
preadv 295 69; pwritev 296 70; fstat 5 80; newfstatat 262 79; stat 4 -; lstat 6 -; statx 332 291
statfs 137 43; fstatfs 138 44; getdents64 217 61; getdents 78 -; readlinkat 267 78; readlink 89 -
faccessat 269 48; faccessat2 439 439; access 21 -; getcwd 79 17; chdir 80 49; fchdir 81 50; umask 95 166
mkdirat 258 34; mkdir 83 -; rmdir 84 -; unlinkat 263 35; unlink 87 -; renameat 264 38; renameat2 316 276
rename 82 -; linkat 265 37; link 86 -; symlinkat 266 36; symlink 88 -; ftruncate 77 46; truncate 76 45
fallocate 285 47; fsync 74 82; fdatasync 75 83; fchmod 91 52; fchmodat 268 53; chmod 90 -; utimensat 280 88
utime 132 -; utimes 235 -; copy_file_range 326 285
dup 32 23; dup2 33 -; dup3 292 24; pipe2 293 59; pipe 22 -; poll 7 -; ppoll 271 73
select 23 -; pselect6 270 72; epoll_create 213 -; epoll_create1 291 20; epoll_ctl 233 21; epoll_wait 232 -
epoll_pwait 281 22; eventfd 284 -; eventfd2 290 19
rt_sigaction 13 134; rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigpending 127 136; rt_sigsuspend 130 133
rt_sigtimedwait 128 137; sigaltstack 131 132; restart_syscall 219 128; kill 62 129; tkill 200 130; tgkill 234 131
getpid 39 172; getppid 110 173; gettid 186 178; getuid 102 174; geteuid 107 175; getgid 104 176; getegid 108 177
getgroups 115 158; getpgid 121 155; getpgrp 111 -; getsid 124 156; getpriority 140 141; getrlimit 97 163
uname 63 160; getrandom 318 278; arch_prctl 158 -
set_robust_list 273 99; get_robust_list 274 100; set_tid_address 218 96; rseq 334 293; sched_yield 24 124
sched_getaffinity 204 123; sched_getparam 143 121; sched_getscheduler 145 120
sched_get_priority_max 146 125; sched_get_priority_min 147 126; getcpu 309 168
wait4 61 260; waitid 247 95; exit 60 93; exit_group 231 94
"""
# Allowed with some arguments only.
CLONE, PRCTL, PRLIMIT, IOCTL, FCNTL, EXECVE = (
    {"x86_64": 56, "aarch64": 220},
    {"x86_64": 157, "aarch64": 167},
    {"x86_64": 302, "aarch64": 261},
    {"x86_64": 16, "aarch64": 29},
    {"x86_64": 72, "aarch64": 25},
    {"x86_64": 59, "aarch64": 221},
)
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NEWEST = 424  # from here on a call has one number everywhere; the C library asks for these and can do without
X32 = 0x40000000  # the bit of x86_64's second table of numbers
CLONE_THREAD = 0x00010000
HARMLESS_PRCTL = (
    15,
    16,
    0x53564D41,
)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA: names that only a debugger shows
HARMLESS_FCNTL = (
    0,
    1,
    2,
    3,
    4,
    1030,
)  # duplicates and flags; locks and leases are seen by every other worker
TYPING_IOCTL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: they type into a terminal

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE = 0x00050000  # plus the error number that the caller gets
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; an argument has eight bytes
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


class Step(NamedTuple):
    """One instruction of the filter's machine: what to do, how far to jump if true or false, and its number."""

    code: int
    if_true: int
    if_false: int
    value: int


def program(machine: str = "", *, starting: bool = False) -> bytes:
    """Return the filter for a machine, this one where none is named, as the kernel takes it.

    `starting` is for a process that gets the filter before it has become a worker: it may still become another
    program, and lower its limits.
    Raises KeyError for a machine whose numbers are not in the table.
    """
    machine = machine or platform.machine()
    first = [EXECVE[machine], PRLIMIT[machine]] if starting else []
    steps = [
        Step(LOAD, 0, 0, ARCHITECTURE),
        Step(EQUAL, 1, 0, AUDIT_ARCH[machine]),
        Step(RETURN, 0, 0, KILL),
        Step(LOAD, 0, 0, NUMBER),
        Step(AT_LEAST, 0, 1, X32),
        Step(RETURN, 0, 0, REFUSE | errno.EPERM),
        *(step for number in first for step in _if_equal(number, [Step(RETURN, 0, 0, ALLOW)])),
        *_some_arguments(machine),
        *(step for number in numbers(machine) for step in _if_equal(number, [Step(RETURN, 0, 0, ALLOW)])),
        Step(AT_LEAST, 0, 1, NEWEST),
        Step(RETURN, 0, 0, REFUSE | errno.ENOSYS),
        Step(RETURN, 0, 0, REFUSE | errno.EPERM),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def numbers(machine: str) -> list[int]:
    """Return the numbers of the calls that are always allowed, the frequent ones first.

    >>> numbers("aarch64")[:3]
    [63, 64, 98]
    """
    column = {"x86_64": 1, "aarch64": 2}[machine]
    rows = [call.split() for line in CALLS.strip().splitlines() for call in line.split(";")]
    return [int(row[column]) for row in rows if row[column] != "-"]


def _if_equal(value: int, steps: list[Step]) -> list[Step]:
    return [Step(EQUAL, 0, len(steps), value), *steps]


def _some_arguments(machine: str) -> list[Step]:
    first, third = ARGUMENT, ARGUMENT + 2 * 8
    refuse, allow = Step(RETURN, 0, 0, REFUSE | errno.EPERM), Step(RETURN, 0, 0, ALLOW)
    thread = [Step(LOAD, 0, 0, first), Step(ANY_BIT, 0, 1, CLONE_THREAD), allow, refuse]
    name = [Step(LOAD, 0, 0, first)]
    name += [step for value in HARMLESS_PRCTL for step in _if_equal(value, [allow])] + [refuse]
    # Both halves of the pointer to new limits are null: they are only asked for.
    ask = [Step(LOAD, 0, 0, third), Step(EQUAL, 0, 3, 0)]
    ask += [Step(LOAD, 0, 0, third + 4), Step(EQUAL, 0, 1, 0), allow, refuse]
    flags = [Step(LOAD, 0, 0, first + 8)]
    flags += [step for value in HARMLESS_FCNTL for step in _if_equal(value, [allow])] + [refuse]
    typing = [Step(LOAD, 0, 0, first + 8)]
    typing += [step for value in TYPING_IOCTL for step in _if_equal(value, [refuse])] + [allow]
    special = ((CLONE, thread), (PRCTL, name), (PRLIMIT, ask), (IOCTL, typing), (FCNTL, flags))
    return [step for which, steps in special for step in _if_equal(which[machine], steps)]


def install() -> None:
    """Put this process, and all that it starts, under the filter for good. Raises OSError where that fails."""
    code = program()

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = Program(len(code) // 8, code)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(filter_), 0, 0):  # NO_NEW_PRIVS, SECCOMP
        number = ctypes.get_errno()
        raise OSError(number, f"no seccomp filter: {errno.errorcode.get(number, number)}")
