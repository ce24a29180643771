import { basename } from 'node:path';

/** Whether a program is runc or crun, with whatever a distribution puts around the name: those are known well enough to make cgroups and to be first of a pid namespace. */
export const isRuncOrCrun = (program: string): boolean => /^(?:.*-)?(?:runc|crun)/.test(basename(program));

export const isCrun = (program: string): boolean => /crun/.test(basename(program));

/** How a runtime keeps what it runs apart from this machine, and what it asks of it. */
export interface KnownRuntime {
  readonly name: string;
  /** Whose kernel the program talks to, in a few words. */
  readonly isolation: string;
  /** What it must say of itself with `--version`, so that nothing else counts as this one; absent for those without a program of their own. */
  readonly says?: RegExp | undefined;
  /** The device without which it cannot run. */
  readonly device?: string | undefined;
  /** What has to be there for it, beside its program. */
  readonly needs?: string | undefined;
  /** False: it takes no OCI bundles, so it can be no `--runtime`. */
  readonly takesBundles: boolean;
  /** Suites of this project run it. */
  readonly tested: boolean;
}

const bundles = { takesBundles: true, tested: false } as const;

/** The runtimes that people know, from the most shared to the least, then what stands in for one. */
export const KNOWN_RUNTIMES: readonly KnownRuntime[] = [
  { name: 'runc', isolation: 'shared kernel', says: /^runc\b/, takesBundles: true, tested: true },
  { name: 'crun', isolation: 'shared kernel', says: /^crun\b/, takesBundles: true, tested: true },
  { ...bundles, name: 'youki', isolation: 'shared kernel', says: /^youki\b/ },
  {
    name: 'runsc',
    isolation: 'kernel proxy (gVisor)',
    says: /^runsc\b/,
    takesBundles: true,
    tested: true,
  },
  {
    ...bundles,
    name: 'krun',
    isolation: 'virtual machine (libkrun)',
    says: /^crun\b[\s\S]*\+LIBKRUN/,
    device: '/dev/kvm',
    needs: 'crun built with libkrun',
  },
  {
    ...bundles,
    name: 'kata-runtime',
    isolation: 'virtual machine (Kata)',
    says: /^kata-runtime\b/,
    device: '/dev/kvm',
    needs: "Kata Containers 1.x; 2.0 and later are reached through containerd's shim only",
  },
  {
    ...bundles,
    name: 'runnc',
    isolation: 'unikernel (Nabla)',
    says: /^runnc\b/,
    needs: 'images that are built as unikernels for solo5',
  },
  {
    name: 'firecracker',
    isolation: 'virtual machine (Firecracker)',
    says: /^Firecracker\b/,
    device: '/dev/kvm',
    needs:
      'a monitor, no OCI runtime: a guest kernel, the root as a disk, and an agent in it (firecracker-containerd, Kata)',
    takesBundles: false,
    tested: false,
  },
  {
    name: 'chroot',
    isolation: 'shared kernel, no seccomp filter',
    needs: 'no OCI runtime: namespaces by unshare and a chroot, for where none works',
    takesBundles: true,
    tested: true,
  },
  {
    name: 'unisolated',
    isolation: 'none',
    needs: 'no OCI runtime: a chroot and nothing else, for where there are no namespaces',
    takesBundles: true,
    tested: true,
  },
];
