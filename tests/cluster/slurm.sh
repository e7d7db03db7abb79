#!/bin/sh
# slurm.sh start|stop FOLDER: a real Slurm on this machine, as root: slurmctld and a slurmd for each
# of four nodes, of which each believes that it has two cores. Needs slurm-wlm and munge.
# slurm.sh kill|revive FOLDER NODE: a node dies with all that runs there, as by a power cut.
# FOLDER/env is to be sourced by whoever wants to use it. Nothing outside FOLDER is written, but for
# munge's key where there is none.
set -eu
do=$1
folder=$(mkdir -p "$2" && cd "$2" && pwd)
host=$(hostname -s)

start() {
  if ! [ -f /etc/munge/munge.key ]; then
    install -d -o munge -g munge -m 700 /etc/munge
    dd if=/dev/urandom of=/etc/munge/munge.key bs=1 count=1024 2>/dev/null
    chown munge:munge /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
  fi
  if ! munge -n >/dev/null 2>&1; then
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
    su -s /bin/sh munge -c 'munged --force' || { echo "munged does not start"; exit 1; }
  fi
  mkdir -p "$folder/state"
  cat > "$folder/slurm.conf" <<END
ClusterName=hwnas
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=36817
AuthType=auth/munge
AuthInfo=cred_expire=5
CryptoType=crypto/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=10
InactiveLimit=0
KillWait=5
MinJobAge=600
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
NodeName=n[1-4] NodeHostname=$host NodeAddr=127.0.0.1 Port=[36821-36824] CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=5
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
END
  echo "export SLURM_CONF=$folder/slurm.conf" > "$folder/env"
  export SLURM_CONF="$folder/slurm.conf"
  slurmctld -c
  for node in n1 n2 n3 n4; do revive $node; done
  for i in $(seq 60); do
    if [ "$(sinfo -h -N -p short -o %T 2>/dev/null | grep -c idle)" = 4 ]; then exit 0; fi
    sleep 0.5
  done
  echo "the nodes do not come up:"
  sinfo -N
  tail -5 "$folder"/*.log
  exit 1
}

revive() {
  mkdir -p "$folder/spool-$1"
  SLURM_CONF="$folder/slurm.conf" slurmd -N "$1"
}

# The steps of all nodes look the same from outside, but for what their programs were told.
kill() {
  command kill -9 "$(cat "$folder/slurmd-$1.pid")"
  for process in /proc/[0-9]*; do
    if tr '\0' '\n' 2>/dev/null < "$process/environ" | grep -qx "SLURMD_NODENAME=$1" &&
        tr '\0' '\n' < "$process/environ" | grep -q "^SLURM_STEP_ID="; then
      parent=$(awk '$1 == "PPid:" {print $2}' "$process/status")
      case $(cat "/proc/$parent/comm" 2>/dev/null) in
        slurmstepd) command kill -9 "$parent" "${process#/proc/}" 2>/dev/null || : ;;
      esac
    fi
  done
}

stop() {
  for file in "$folder"/slurmd-*.pid "$folder"/slurmctld.pid; do
    if [ -f "$file" ]; then command kill "$(cat "$file")" 2>/dev/null || :; fi
  done
  pkill -f "slurmstepd.*$folder" 2>/dev/null || :
}

shift 2
"$do" "$@"
