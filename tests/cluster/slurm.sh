#!/usr/bin/env bash
# SLURM on this one machine, for the tests: virtual nodes with two processors and two made-up GPUs each.
#   slurm.sh possible           exit code 0, or a line that says why it cannot run here
#   slurm.sh install            Debian's packages
#   slurm.sh start | stop       may be repeated; start also brings back a node that is down
#   slurm.sh during COMMAND     install, start, run the command, stop whatever happens
# Needs root on Debian; no systemd, no control groups, no database.
set -euo pipefail

MARK="# written by tests/cluster/slurm.sh of rnnlimits"
PACKAGES=(slurmctld slurmd slurm-client munge)
NODES=8
ETC=/etc/slurm RUN=/run/slurm STATE=/var/lib/slurm LOG=/var/log/slurm
HOST=$(hostname -s)

refuse() { echo "slurm.sh: $1" >&2; exit 3; }

possible() {
  [ "$(id -u)" -eq 0 ] || refuse "needs root, and this is user $(id -u)"
  command -v apt-get >/dev/null || refuse "needs Debian's apt-get"
  [ ! -e "$ETC/slurm.conf" ] || head -n 1 "$ETC/slurm.conf" | grep -qxF "$MARK" ||
    refuse "$ETC/slurm.conf is not of these tests: this machine has a SLURM of its own, which stays as it is"
  [ -e /dev/rnnlimits-gpu0 ] || { mknod /dev/rnnlimits-probe c 1 3 2>/dev/null && rm /dev/rnnlimits-probe; } ||
    refuse "may not make device files (mknod), of which the made-up GPUs consist"
}

install() {
  dpkg-query --show --showformat '${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null | grep -cx installed |
    grep -qx "${#PACKAGES[@]}" && return
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${PACKAGES[@]}" >/dev/null
}

configure() {
  mkdir -p "$ETC" "$RUN" "$LOG" "$STATE/controller" /run/munge
  chown munge:munge /run/munge
  # slurmctld and srun insist on a host name that resolves.
  getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >>/etc/hosts
  local number
  for number in 0 1; do
    # A second /dev/null: SLURM looks no further than whether it is a device.
    [ -e "/dev/rnnlimits-gpu$number" ] || mknod -m 666 "/dev/rnnlimits-gpu$number" c 1 3
  done
  # slurmd always loads a cgroup plugin, and detecting one fails where /sys/fs/cgroup is missing; v1 is never used.
  echo "CgroupPlugin=cgroup/v1" >"$ETC/cgroup.conf"
  echo "NodeName=n[1-$NODES] Name=gpu Type=fake File=/dev/rnnlimits-gpu[0-1]" >"$ETC/gres.conf"
  settings >"$ETC/slurm.conf"
}

settings() {
  echo "$MARK"
  cat <<CONF
ClusterName=rnnlimits
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job waits until the credential of its first start has expired: two minutes by default.
AuthInfo=cred_expire=5
CredType=cred/munge
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/%n
SlurmctldPidFile=$RUN/controller.pid
SlurmdPidFile=$RUN/%n.pid
SlurmctldLogFile=$LOG/controller.log
SlurmdLogFile=$LOG/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2,bf_resolution=1
# The nodes may have more processors and memory together than the machine.
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
# The executor learns from squeue how a job ended, so SLURM has to remember it.
MinJobAge=3600
KillWait=3
OverTimeLimit=0
SlurmdTimeout=10
SlurmctldTimeout=10
MessageTimeout=20
JobRequeue=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
CONF
  local number
  for number in $(seq "$NODES"); do
    echo "NodeName=n$number NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((6840 + number)) CPUs=2 RealMemory=8000" \
      "Gres=gpu:fake:2 State=UNKNOWN"
  done
  local all="MaxTime=1-0 State=UP"
  echo "PartitionName=main Nodes=n[1-2] Default=YES $all PriorityTier=1 PreemptMode=OFF"
  echo "PartitionName=many Nodes=n[7-8] $all PriorityTier=1 PreemptMode=OFF"
  echo "PartitionName=fragile Nodes=n[3-4] $all PriorityTier=1 PreemptMode=OFF"
  # A job of `urgent` throws those of the other two out.
  echo "PartitionName=urgent Nodes=n[5-6] $all PriorityTier=3 PreemptMode=OFF"
  echo "PartitionName=requeued Nodes=n5 $all PriorityTier=1 PreemptMode=REQUEUE GraceTime=0"
  echo "PartitionName=cancelled Nodes=n6 $all PriorityTier=1 PreemptMode=CANCEL GraceTime=0"
}

# A daemon whose parent never asks how it ended remains as a zombie.
alive() {
  local pid
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && [ -r "/proc/$pid/stat" ] &&
    [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)" != Z ]
}

start() {
  possible
  configure
  local number
  if ! alive /run/munge/munged.pid; then
    [ -s /etc/munge/munge.key ] || runuser -u munge -- /usr/sbin/mungekey
    runuser -u munge -- munged --num-threads=2
  fi
  alive "$RUN/controller.pid" || slurmctld
  for number in $(seq "$NODES"); do
    alive "$RUN/n$number.pid" || slurmd -N "n$number"
  done
  for _ in $(seq 300); do
    [ "$(sinfo --noheader --Node --format '%N %T' 2>/dev/null | sort -u |
      grep -cE ' (idle|mixed|allocated|completing)$')" -ge "$NODES" ] && return
    # A node that went down in an earlier run stays drained.
    for number in $(seq "$NODES"); do
      scontrol update NodeName="n$number" State=RESUME 2>/dev/null || true
    done
    sleep 0.1
  done
  tail -n 20 "$LOG"/*.log >&2
  refuse "the nodes did not come up; see $LOG"
}

stop() {
  possible
  if alive "$RUN/controller.pid"; then
    scancel --user root --full --signal KILL 2>/dev/null || true
    scancel --user root 2>/dev/null || true
    for _ in $(seq 100); do [ -z "$(squeue --noheader 2>/dev/null)" ] && break; sleep 0.1; done
  fi
  local file
  # The controller last: it still hears from the nodes that their jobs are gone.
  for file in "$RUN"/n*.pid "$RUN/controller.pid" /run/munge/munged.pid; do
    alive "$file" && kill "$(cat "$file")"
    for _ in $(seq 100); do alive "$file" || break; sleep 0.1; done
    alive "$file" && kill -KILL "$(cat "$file")"
    [ "$file" = /run/munge/munged.pid ] || rm -f "$file"
  done
  # Jobs and drained nodes are not remembered: the next start is like the first.
  rm -rf "${STATE:?}" "$ETC/slurm.conf" "$ETC/gres.conf" "$ETC/cgroup.conf" /dev/rnnlimits-gpu[01]
}

during() {
  possible
  install
  trap stop EXIT
  start
  "$@"
}

case ${1:-} in
  possible | install | start | stop) "$1" ;;
  during) shift; during "$@" ;;
  *) echo "usage: $0 possible | install | start | stop | during COMMAND..." >&2; exit 2 ;;
esac
