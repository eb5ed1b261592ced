# The parent of every run: it keeps the command's true exit status, whatever becomes of the service.
#
#   /bin/sh launch.sh RUN_FOLDER FILE_LIMIT CGROUP COMMAND [ARG…]
#
# POSIX sh (dash, bash, BusyBox ash), leader of a session and a process group of its own.  Its descriptors: 0 is
# where the command's standard error goes, 1 is the command's standard output.  2 is RUN_FOLDER/notice: $? cannot tell
# `exit 143` from death by SIGTERM, but for the latter a shell says so ("Terminated") on its own standard error.
run=$1
# The service may have raised its own limit on open files; programs that use select(2) must not inherit that.
ulimit -S -n "$2" 2>/dev/null
cgroup=$3
shift 3
echo $$ >"$run/pid"

# Signals for the whole group must not end this shell before its child.  Handled, not ignored: a child inherits
# ignored signals, but starts with handled ones at their defaults.
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2

# A stop that comes before the child has its default handlers back would be lost on it; so RUN_FOLDER/stopped is made
# before the signal is sent, and looked for once they are back.  The subshell also makes the notice come from this shell.
# `||`: an inherited SHELLOPTS=errexit must not end this shell here.
status=0
# The command's control group, if there is one (exporter.cgroups), is not this shell's, which tells how it ended.
(
  [ -z "$cgroup" ] || { echo 0 >"$cgroup/cgroup.procs"; } 2>/dev/null
  [ -e "$run/stopped" ] && exit 143
  exec "$@" 2>&0 </dev/null
) || status=$?

# What this shell takes, in pages: of a run that is over in an instant nobody has seen more (proc_pid_statm(5)).
read -r _ pages _ 2>/dev/null </proc/$$/statm || pages=0

# Written in place, sparing the script's end a fork for mv: only a file whose last line is `end` counts, and no
# unfinished one (killed, disk full) has that.
{ echo $status; times; echo "$pages"; echo end; } >"$run/status"
exit $status
