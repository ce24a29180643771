/**
 * Starts a program by posix_spawn(3). Node's own way copies the page tables of this process (fork(2)), loads `net` and streams first, and then each page that is written to is copied: 5 ms
 * for a program of ours, which is a tenth of what running a container takes.
 * @module
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { bindCall, cPath, linuxError } from './libc.ts';

/** A program that was started here, as `ChildProcess` has it. */
export interface Child {
  readonly pid?: number | undefined;
  /** Null as long as it runs. */
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  /** False if it has ended. */
  kill(signal?: NodeJS.Signals): boolean;
}

export interface SpawnedChild extends Child {
  readonly pid: number;
  readonly ended: Promise<{ readonly code: number | undefined; readonly signal: string | undefined }>;
}

export interface SpawnRequest {
  /** A path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What its descriptors 0, 1, … are here. It has no others but those that this process passes on to all. */
  readonly fds: readonly number[];
  /** In a session of its own: no terminal. */
  readonly session: boolean;
}

const spawnCall = bindCall<
  number,
  [Int32Array, string | Buffer, Buffer, Buffer, readonly (string | null)[], readonly (string | null)[]]
>(
  'int posix_spawn(void *pid, const char *path, const void *actions, const void *attr, const char **argv, const char **env)',
);
const initActions = bindCall<number, [Buffer]>('int posix_spawn_file_actions_init(void *actions)');
const addDup2 = bindCall<number, [Buffer, number, number]>(
  'int posix_spawn_file_actions_adddup2(void *actions, int from, int to)',
);
const addChdir = bindCall<number, [Buffer, string | Buffer]>(
  'int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)',
);
const destroyActions = bindCall<number, [Buffer]>('int posix_spawn_file_actions_destroy(void *actions)');
const initAttributes = bindCall<number, [Buffer]>('int posix_spawnattr_init(void *attr)');
const setFlags = bindCall<number, [Buffer, number]>('int posix_spawnattr_setflags(void *attr, short flags)');
const setDefaults = bindCall<number, [Buffer, Buffer]>(
  'int posix_spawnattr_setsigdefault(void *attr, const void *set)',
);
const setMask = bindCall<number, [Buffer, Buffer]>(
  'int posix_spawnattr_setsigmask(void *attr, const void *set)',
);
const emptySet = bindCall<number, [Buffer]>('int sigemptyset(void *set)');
const waitCall = bindCall<number, [number, Int32Array, number]>(
  'int waitpid(int pid, void *status, int options)',
);

/** Room for any C library's. */
const STRUCTURE_BYTES = 1024;
const SETSIGDEF = 4;
const SETSIGMASK = 8;
const SETSID = 0x80;
const WNOHANG = 1;

/** Whether the C library has all of it (glibc 2.29, musl 1.2.5). */
export function canSpawn(): boolean {
  known ??= tryToBind();
  return known;
}

let known: boolean | undefined;

function tryToBind(): boolean {
  const actions = Buffer.alloc(STRUCTURE_BYTES);
  try {
    initActions(actions);
    addChdir(actions, '/');
    destroyActions(actions);
    return true;
  } catch {
    return false;
  }
}

/** Starts a program with every signal at its default and none blocked. In the main thread only, which hears of its end. @throws LINUX_CALL */
export function spawnChild({ program, args, env, cwd, fds, session }: SpawnRequest): SpawnedChild {
  // They are laid in turn: one that was another's place before is gone by its own turn.
  if (fds.some((fd, to) => fd < to && fds[fd] !== fd))
    throw new Error(`descriptors ${fds.join(' ')} would overwrite each other`);
  const actions = Buffer.alloc(STRUCTURE_BYTES);
  const attributes = Buffer.alloc(STRUCTURE_BYTES);
  initActions(actions);
  for (const [to, fd] of fds.entries()) addDup2(actions, fd, to);
  addChdir(actions, cPath(cwd));
  initAttributes(attributes);
  // Not by sigfillset(3): that leaves out two of the C library's own, which the program would find ignored (nptl(7)).
  setDefaults(attributes, Buffer.alloc(STRUCTURE_BYTES, 0xff));
  const none = Buffer.alloc(STRUCTURE_BYTES);
  emptySet(none);
  setMask(attributes, none);
  setFlags(attributes, SETSIGDEF | SETSIGMASK | (session ? SETSID : 0));
  const pid = new Int32Array(1);
  const texts = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  listen();
  const failure = spawnCall(
    pid,
    cPath(program),
    actions,
    attributes,
    [program, ...args, null],
    [...texts, null],
  );
  destroyActions(actions);
  if (failure !== 0) {
    rest();
    throw linuxError('LINUX_CALL', { call: 'spawn', code: getSystemErrorName(-failure), what: program });
  }
  return watch(pid[0]!);
}

/** Those that run, with what is to be told of each one's end. */
const running = new Map<number, (status: number) => void>();
let poll: NodeJS.Timeout | undefined;

/** They are looked for now and then, too, which keeps this process waiting for them; a signal does not. */
const LOOK_EVERY_MS = 500;

function listen(): void {
  if (poll !== undefined) return;
  process.on('SIGCHLD', reap);
  poll = setInterval(reap, LOOK_EVERY_MS);
}

function rest(): void {
  if (running.size > 0) return;
  clearInterval(poll);
  poll = undefined;
  process.off('SIGCHLD', reap);
}

/** Whether the child is one of these: its end is told here, and nobody else may take it. */
export const isSpawned = (pid: number): boolean => running.has(pid);

/** Takes a child that has ended out of the process table: the status that waitpid(2) tells, or undefined if it runs or is not ours. */
export function takeStatus(pid: number): number | undefined {
  const status = new Int32Array(1);
  return waitCall(pid, status, WNOHANG) === pid ? status[0] : undefined;
}

/** Asks for our own children alone: others are others'. */
function reap(): void {
  for (const [pid, tell] of running) {
    const status = takeStatus(pid);
    if (status === undefined) continue;
    running.delete(pid);
    tell(status);
  }
  rest();
}

function watch(pid: number): SpawnedChild {
  let exitCode: number | null = null;
  let signalCode: NodeJS.Signals | null = null;
  const ended = new Promise<Awaited<SpawnedChild['ended']>>((resolve) => {
    running.set(pid, (status) => {
      const signal = status & 0x7f;
      if (signal === 0) exitCode = (status >> 8) & 0xff;
      else signalCode = nameOf(signal);
      resolve({ code: exitCode ?? undefined, signal: signalCode ?? undefined });
    });
  });
  return {
    pid,
    ended,
    get exitCode() {
      return exitCode;
    },
    get signalCode() {
      return signalCode;
    },
    kill(signal = 'SIGTERM') {
      // Its number may be another's once it has been waited for.
      return running.has(pid) && process.kill(pid, signal);
    },
  };
}

/** `SIGRTMIN` and beyond have no name in Node. */
const nameOf = (number: number): NodeJS.Signals =>
  (Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ??
    `SIG${number}`) as NodeJS.Signals;
