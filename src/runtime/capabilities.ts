/** A capability by its OCI name, with the kernel's number (capability.h). */
export interface Capability {
  readonly name: string;
  readonly number: number;
}

/** The 14 that docker gives a container (oci.md c.1). */
export const DEFAULT_CAPABILITIES: readonly Capability[] = [
  { name: 'CAP_CHOWN', number: 0 },
  { name: 'CAP_DAC_OVERRIDE', number: 1 },
  { name: 'CAP_FOWNER', number: 3 },
  { name: 'CAP_FSETID', number: 4 },
  { name: 'CAP_KILL', number: 5 },
  { name: 'CAP_SETGID', number: 6 },
  { name: 'CAP_SETUID', number: 7 },
  { name: 'CAP_SETPCAP', number: 8 },
  { name: 'CAP_NET_BIND_SERVICE', number: 10 },
  { name: 'CAP_NET_RAW', number: 13 },
  { name: 'CAP_SYS_CHROOT', number: 18 },
  { name: 'CAP_MKNOD', number: 27 },
  { name: 'CAP_AUDIT_WRITE', number: 29 },
  { name: 'CAP_SETFCAP', number: 31 },
];

/** Paths of the kernel's file systems that a container must not see: docker's and podman's together (oci.md c.1). */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
];

/** Paths that a container may only read. */
export const READ_ONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** The device files that every container has, bound from the host because the file systems of a container open no others. */
export const DEVICES: readonly string[] = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
