import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fsPath } from '../base/names.ts';

import { bindMount, MNT_DETACH, MS_NODEV, unmount } from '../linux/mount.ts';
import { runtimeError } from './errors.ts';
import { killTree } from './kill-tree.ts';
import { ociConfig } from './oci-config.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { type PreparedProcess, prepareProcess } from './prepare-process.ts';
import { refuseProcess } from './refuse-process.ts';
import { type ProgramEnd, requireTerminal, runProgram } from './run-program.ts';
import { seccompFilter } from './seccomp.ts';
import type { Executor, Process } from './types.ts';

/** An OCI runtime on this machine. */
export interface OciRuntime {
  /** `runc`, or the path as the person gave it. */
  readonly name: string;
  /** Absolute path. */
  readonly program: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it was built with seccomp. */
  readonly seccomp: boolean;
}

/** Command line options that keep each runtime from making cgroups; others get none. */
const NO_CGROUPS: Readonly<Record<string, readonly string[]>> = {
  runc: ['--rootless', 'true'],
  crun: ['--cgroup-manager=disabled'],
};

/** Runs processes by an OCI runtime in the foreground; bundle, state and log live in the root's folder and go when it ends. */
export function createOciExecutor(runtime: OciRuntime): Executor {
  const kind = basename(runtime.program);
  return {
    name: runtime.name,
    async run(root, process, io, o = {}) {
      if (process.tty) requireTerminal();
      const folder = join(root.folder, 'runtime');
      mkdirSync(fsPath(folder), { recursive: true, mode: 0o700 });
      // Over whatever the root is: device files that its process makes cannot be opened.
      bindMount(root.merged, root.merged, { flags: MS_NODEV });
      try {
        const prepared = prepareProcess({ folder, merged: root.merged }, process);
        if (prepared.kind === 'refused') return await refuseProcess(prepared, io, o);
        writeConfig(folder, root.merged, runtime, prepared.process, process);
        const log = join(folder, 'log');
        const end = await runProgram(
          {
            program: runtime.program,
            args: [
              ...['--root', join(folder, 'state'), '--log', log, '--log-format', 'json'],
              ...(NO_CGROUPS[kind] ?? []),
              ...['run', '--no-new-keyring', '--bundle', folder, containerId(root.folder)],
            ],
            env: runtime.env,
            io,
            owner: prepared.process.user,
            kill: (child) => child.pid !== undefined && killTree(child.pid),
          },
          o,
        );
        return { ...exitOf(end, runtime.name, log), mountPoints: prepared.mountPoints };
      } finally {
        unmount(root.merged, MNT_DETACH);
        rmSync(fsPath(folder), { recursive: true, force: true });
      }
    },
  };
}

function writeConfig(
  folder: string,
  merged: string,
  runtime: OciRuntime,
  prepared: PreparedProcess,
  process: Process,
): void {
  const own = readOwnNamespace();
  const config = ociConfig({
    process: prepared,
    rootPath: merged,
    hostname: process.hostname,
    network: process.network,
    tty: process.tty,
    rootless: own.isUserNamespace,
    canSetGroups: own.canSetGroups,
    cgroup2: isCgroup2('/sys/fs/cgroup'),
    seccomp: runtime.seccomp ? seccompFilter(globalThis.process.arch) : undefined,
  });
  writeFileSync(fsPath(join(folder, 'config.json')), JSON.stringify(config), { mode: 0o600 });
}

const CGROUP2_SUPER_MAGIC = 0x63677270;

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}

/** Some runtimes name things by it outside their root folder, so it must differ between containers that run at once. */
const containerId = (folder: string): string => `dobos-${basename(folder).replace(/[^A-Za-z0-9_.-]/g, '-')}`;

function exitOf(end: ProgramEnd, runtime: string, log: string): { readonly code: number } {
  const problem = end.code === 0 ? undefined : lastError(log);
  if (problem !== undefined) throw runtimeError('RUNTIME_FAILED', { runtime, message: problem });
  if (end.code === undefined) {
    throw runtimeError('RUNTIME_FAILED', { runtime, message: `it was ended by ${end.signal}` });
  }
  return { code: end.code };
}

/** The message of the last line of level error in a runtime's log. */
function lastError(log: string): string | undefined {
  let message: string | undefined;
  for (const line of readOr(log).split('\n')) {
    try {
      const entry = JSON.parse(line) as { level?: unknown; msg?: unknown };
      if (entry.level === 'error' || entry.level === 'fatal') message = String(entry.msg);
    } catch {
      // Not a line of the log: runtimes mix in other text.
    }
  }
  return message;
}

function readOr(path: string): string {
  try {
    return readFileSync(fsPath(path), 'utf8');
  } catch {
    return '';
  }
}
